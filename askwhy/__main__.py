"""`python -m askwhy` is the `askwhy` command."""

from askwhy.ui.cli import main

if __name__ == "__main__":
    main()
