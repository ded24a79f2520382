"""Whole trainings on real data: what accuracy they reach, in which time, beside PyTorch's.

    python benchmarks/learn.py paper MNIST      # Zhang's network, 100 epochs, beside PyTorch in turns of ten epochs
    python benchmarks/learn.py small MNIST      # ResNet-8, under 100,000 parameters
    python benchmarks/learn.py cifar FOLDER     # ResNet-20 on train/<class>/*.jpg and test/<class>/*.jpg
    python benchmarks/learn.py feed FOLDER      # what reading these files costs a training step
    python benchmarks/learn.py kill FOLDER      # the command killed twenty times, and resumed
    python benchmarks/learn.py tune FOLDER      # PyTorch's ResNet-18 of five classes, fine-tuned on the other five

MNIST is a folder with its four IDX files. `--json FILE` writes all results, `--threads N` holds both to N threads.
"""

import argparse
import json

from learning import cifar, feed, killed, paper, small, tune

PROGRAMS = {
    "paper": paper.run,
    "small": small.run,
    "cifar": cifar.run,
    "feed": feed.run,
    "kill": killed.run,
    "tune": tune.run,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=PROGRAMS)
    parser.add_argument("data", help="the folder of the images")
    parser.add_argument("--epochs", type=int, help="instead of the program's own")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--alone", action="store_true", help="without PyTorch")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    result = PROGRAMS[options.program](options)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
