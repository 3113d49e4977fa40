"""Opening the generator that a run asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tdmm_core.errors import InputError
from tdmm_core.synthesis.backends.humo import HuMo
from tdmm_core.synthesis.backends.launchers import LAUNCH, LauncherGenerator
from tdmm_core.synthesis.backends.open_sora import OpenSora
from tdmm_core.synthesis.generation import Generator
from tdmm_core.synthesis.known import Generation


@dataclass(frozen=True, kw_only=True)
class Door:
    """A generator with its settings, and where it is found: the place changes no result."""

    generation: Generation
    device: str = "auto"
    project: Path | None = None
    "The checkout of a launcher's project."
    launch: str = LAUNCH

    def open(self) -> Generator:
        """Load the model, find the launcher or check the account. Raises InputError and MissingPartError where that fails."""
        match self.generation.kind:
            case "diffusers":
                from tdmm_core.synthesis.backends.diffusers_pipeline import DiffusersGenerator

                return DiffusersGenerator(self.generation, device=self.device)
            case "launcher":
                return self.launcher()
            case "service":
                from tdmm_core.synthesis.backends.veo import VeoGenerator

                return VeoGenerator(self.generation)

    def launcher(self) -> LauncherGenerator:
        """The launcher of a project, nothing started. Raises InputError where the project's folder is not given or is another one."""
        if self.project is None:
            raise InputError(f"--backend {self.generation.backend}: expected --project FOLDER, the checkout of the project that brings its launcher")
        project = OpenSora(generation=self.generation) if self.generation.backend == "open-sora" else HuMo(generation=self.generation)
        return LauncherGenerator(project=project, generation=self.generation, folder=self.project, launch=self.launch)
