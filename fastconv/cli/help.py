"""The texts that --help shows."""

__all__ = ["EXAMPLES", "PICTURES"]

EXAMPLES = {
    "fastconv": """
  fastconv train                            train the network of Zhang 2016
  fastconv predict zhang2016.npz boot.png   what is on the picture?
  fastconv summary resnet20                 its layers, parameters and work
  fastconv derive                           backpropagation, step by step
  fastconv info                             which build, how many threads?

'fastconv help COMMAND' or 'fastconv COMMAND --help' shows the options of a
command.

exit status: 0 if all went well, 1 if something failed, 2 if the command was
not understood, 130 after Ctrl-C, 128 + N after another signal N
""",
    "train": """
  fastconv train                 the embedded sample, or the data that it finds
  fastconv train --model nielsen --out mine.npz --seed 3
  fastconv train --data ~/mnist --batch-size 50 --epochs 1    as in the paper

Ctrl-C saves the network as it was at the end of the last finished epoch; so
do SIGTERM and SIGHUP.
""",
    "predict": """
  fastconv predict zhang2016.npz boot.png shirt.jpg
  fastconv predict zhang2016.npz pictures/ t10k-images-idx3-ubyte.gz
  fastconv predict zhang2016.npz --invert - < scanned.png
  fastconv predict birds.onnx photo.jpg

Weights alone, such as those of Keras (.h5, .keras) and PyTorch (.pth), become
such a file by 'fastconv convert IN OUT.onnx --model NAME'.

A line for each image: its name, its class, and the probability of the class
(or, for networks trained with MSE, the network's output), with tabs between.
""",
    "eval": """
  fastconv eval zhang2016.npz                  the test images of 'train'
  fastconv eval birds.npz --data birds/test    a folder of class folders
  fastconv eval birds.npz --data birds --part validation --json
""",
    "report": """
  fastconv report zhang2016.npz --data ~/mnist       writes zhang2016.html
  fastconv report birds.npz --data birds --out birds.html --overwrite
  fastconv report birds.npz                          without images

The page holds its pictures itself: it can be sent, and read on a phone.
""",
    "summary": """
  fastconv summary resnet20
  fastconv summary mobilenet_v2 --classes 10 --input 3x96x96
  fastconv summary zhang2016.npz --batch-size 50 --json
""",
    "profile": """
  fastconv profile resnet18 --batch-size 1
  fastconv profile lenet5 --training --picture lenet5.png
  fastconv profile zhang2016.npz --json
""",
    "derive": """
  fastconv derive                     equations 4 to 70, with their values
  fastconv derive --image seven.png --label 7 --html derivation.html
  fastconv derive --model lenet5 --data sample --index 3
  fastconv derive --model zhang2016.npz --json

Each step has its equation, its values and a check: sums in NumPy, or central
differences of the loss. Networks other than that of the paper must be
sequential; their steps name the nearest equation.
""",
    "convert": """
  fastconv convert resnet18.pth resnet18.safetensors
  fastconv convert timm.safetensors mobilenet.npz --model mobilenet_v2
  fastconv convert birds.npz birds.safetensors --dtype float16
  fastconv convert birds.npz birds.onnx        a network of 'fastconv train'
  fastconv convert resnet18.pth resnet18.onnx --model resnet18
  fastconv convert exported.onnx weights.npz

With --model the file says which network it holds: 'fastconv predict' reads it.
""",
    "bench": """
  fastconv bench resnet18 --batch-size 1,32 --threads 1,2
  fastconv bench resnet20 --input 3x32x32 --seconds 5
  fastconv bench zhang2016.npz --json
""",
}
PICTURES = """\
Say which class each image belongs to.

Give pictures that look like the images that the network was trained on. For
MNIST and Fashion-MNIST, and so for the sample, this means:
  - one thing, upright, as large as the picture, on an empty background;
  - bright on dark: the background is black. For dark on bright, as on paper
    or in a shop, add --invert; of a photograph, raise the contrast until the
    paper is white;
  - any size and colour: a picture is turned to grey and resized to the input
    of the network, 28 x 28; 0 is black and 1 is white.
Arrays (.npy, IDX) have shape (28, 28), (N, 28, 28) or (N, 1, 28, 28). Bytes
are divided by 255; floating-point numbers must lie between 0 and 1 already.
Pictures need Pillow: pip install pillow
"""
