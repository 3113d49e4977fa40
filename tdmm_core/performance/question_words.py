"""The wordings of questions, and the answers that are always the same."""

from __future__ import annotations

DESCRIBE = (
    "Describe the facial motion.",
    "Describe the facial motion.",
    "What does the face do?",
    "What expression and movement can be seen?",
    "Tell what happens in this face, in order.",
    "What is going on in this clip?",
    "Please describe what you see in the face.",
    "What is the person doing with their face?",
    "Put the motion into words.",
    "Say what this face does.",
    "Give a description of the expression and the head motion.",
    "Caption this motion.",
    "How does the face move?",
    "What happens here?",
)
DETAILED = (
    "Describe the facial motion in detail.",
    "Tell in detail what the face does, with times.",
    "What happens, and when?",
    "Give a detailed account of the motion.",
    "Describe every movement and when it happens.",
    "Go through the clip second by second.",
    "When does each thing happen?",
)
SHORT = (
    "Name the main expression or movement.",
    "What is this called, in a word or two?",
    "Describe it briefly.",
    "In a few words, what happens?",
    "Summarise the motion in a few words.",
    "Give a short description.",
    "In short, what does the face do?",
)
EMOTION = (
    "What emotion does the face show?",
    "Which emotion is this?",
    "What is the person feeling?",
    "How does the person feel?",
    "What mood is the person in?",
    "Which feeling does the face express?",
    "Is there an emotion, and which?",
    "What emotion can be read from the face?",
)
STRENGTH = (
    "How strong is the expression?",
    "How intense is it?",
    "Is it subtle or strong?",
    "How pronounced is the motion?",
    "How strongly does the face move?",
    "What is the intensity of the expression?",
)
HEAD = (
    "What does the head do?",
    "How does the head move?",
    "Does the head move, and how?",
    "Describe the head motion.",
    "Is there any head movement?",
    "What about the head?",
)
BLINK = (
    "Does the person blink?",
    "Do the eyes blink?",
    "Is there a blink?",
    "Does a blink occur?",
    "Can you see the person blink?",
)
BLINK_TIMES = (
    "Does the person blink, and when?",
    "When does the person blink?",
    "At what times do the eyes blink?",
    "Are there blinks, and when are they?",
)
FIRST = (
    "What happens first?",
    "What does the person do first?",
    "How does it begin?",
    "What comes first?",
    "What does the face do at the start?",
)
LAST = (
    "What happens last?",
    "What does the person do at the end?",
    "How does it end?",
    "What comes last?",
    "What does the face do in the end?",
)
COUNT = (
    "How many times does the person {verb}?",
    "How often does the person {verb}?",
    "Count how many times they {verb}.",
)
SHOWN = (
    "Does the person {clause}?",
    "Does the person {clause} at any time?",
    "Is there any {thing}?",
    "Can {thing} be seen?",
    "Is {thing} shown?",
)
COMPARE = (
    'Is this what happens: "{sentence}"',
    'Is this description right: "{sentence}"',
    'Does this fit the motion: "{sentence}"',
    'True or false: "{sentence}"',
    'Somebody described the clip so: "{sentence}" Is that correct?',
)
ORDER = (
    "Does {first} come before {second}?",
    "Is {first} seen before {second}?",
    "First {first}, then {second}: is that the order?",
    "Is it {first} first and {second} afterwards?",
)
UNANSWERABLE = (
    "What is she wearing?",
    "What is he wearing?",
    "What colour are the eyes?",
    "What colour is the hair?",
    "Is the hair long or short?",
    "Where is the person?",
    "What is in the background?",
    "Who is this?",
    "What is the person's name?",
    "How old is the person?",
    "Is it a man or a woman?",
    "Where does the person come from?",
    "What does the person say?",
    "Which words are spoken?",
    "What language does the person speak?",
    "What is the person looking at?",
    "Why does the person do that?",
    "What happened before the clip?",
    "Is anybody else there?",
    "What is the weather like?",
    "Is it day or night?",
    "What do the hands do?",
    "Is the person sitting or standing?",
    "Does the person wear glasses?",
    "Does he have a beard?",
    "Is there music?",
    "What does the voice sound like?",
    "Is the person tall?",
    "Is the person beautiful?",
    "What camera was used?",
    "What job does the person have?",
    "Is the skin light or dark?",
    "Does the person wear make-up?",
    "Is the person holding something?",
    "What will the person do next?",
)
NOT_SHOWN = "The motion does not show that."
NOTHING = "Nothing happens."
NO_EMOTION = "No particular emotion."
HEAD_STILL = "The head stays still."
