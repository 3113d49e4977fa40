"""`python -m tdmm_cli`, the form that process launchers take."""

from tdmm_cli.app import main

main()
