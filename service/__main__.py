"""`python -m service` is `rolewarden`."""

from service.cli import main

if __name__ == "__main__":
    main()
