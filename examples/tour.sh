#!/bin/sh
# The whole road, all eight verbs in a row on the tiny recipe, in the folder you stand in. What it trains is too small to
# be good; it shows how the stages hand over files. About five minutes on two cores.
#   sh examples/tour.sh
set -eu
TDMM=${TDMM:-tdmm}
set -x
# A corpus: sentences, scripts, video and the true motion.
$TDMM synth -o corpus.h5 --recipe tiny
# Fit the face model to the videos, as one would to real ones.
$TDMM fit corpus.h5 -o fitted.h5 --recipe tiny
# More true motion, without video, to train on.
$TDMM synth -o motion.h5 --no-video --num-clips 400 --seed 1 --recipe tiny
# One token a frame: train a motion tokenizer, then encode.
$TDMM tokenize motion.h5 --train --tokenizer tokenizer/ -o tokens.h5 --recipe tiny
# Words to motion, motion to words.
$TDMM train-l2m tokens.h5 --tokenizer tokenizer/ -o l2m/ --recipe tiny
$TDMM train-m2l tokens.h5 --tokenizer tokenizer/ -o m2l/ --recipe tiny
# Perform, show, describe.
$TDMM animate "a wide smile, then a nod" -o out.npz --model l2m/ --tokenizer tokenizer/
$TDMM animate out.npz -o out.mp4
$TDMM describe out.npz --model m2l/ --tokenizer tokenizer/
# Score: reconstruction and both directions on clips held out.
$TDMM eval motion.h5 --tokenizer tokenizer/ --l2m l2m/ --m2l m2l/ -o report.h5 --recipe tiny
# How was it all made?
$TDMM info report.h5
