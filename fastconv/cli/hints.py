"""What people type from the habit of other programs, and what they may mean."""

__all__ = ["COMMANDS", "HINTS", "OPTIONS"]

COMMANDS = {  # words of other programs -> a command
    **dict.fromkeys(("fit", "learn", "training"), "train"),
    **dict.fromkeys(("classify", "infer", "inference", "prediction", "run"), "predict"),
    **dict.fromkeys(("evaluate", "evaluation", "test", "validate", "score"), "eval"),
    **dict.fromkeys(("benchmark", "speed", "time"), "bench"),
    **dict.fromkeys(("html", "page", "dashboard", "explain"), "report"),
    **dict.fromkeys(("show", "describe", "layers"), "summary"),
    **dict.fromkeys(("export", "import", "translate", "rename"), "convert"),
    **dict.fromkeys(("env", "doctor", "about", "cpu"), "info"),
    "version": "--version",
}
OPTIONS = {  # options of other programs -> an option; underscores are written as hyphens here
    **dict.fromkeys(("--learning-rate", "--rate", "--eta", "--step-size"), "--lr"),
    **dict.fromkeys(("--output", "--save", "--save-path", "--output-file", "-o"), "--out"),
    **dict.fromkeys(("--force", "-f", "--replace", "--clobber"), "--overwrite"),
    **dict.fromkeys(("--dataset", "--data-dir", "--data-folder", "--folder", "--input", "-d"), "--data"),
    **dict.fromkeys(("--bs", "--batch", "-b"), "--batch-size"),
    **dict.fromkeys(("--num-threads", "--jobs", "-j", "-t"), "--threads"),
    **dict.fromkeys(("--num-workers", "--loaders"), "--workers"),
    **dict.fromkeys(("--optim", "--opt"), "--optimizer"),
    **dict.fromkeys(("--validation-split", "--val-split", "--valid"), "--validation"),
    **dict.fromkeys(("--augmentation", "--aug", "--transforms"), "--augment"),
    **dict.fromkeys(("--wd", "--decay", "--l2"), "--weight-decay"),
    **dict.fromkeys(("--weights", "--init-from", "--load"), "--pretrained"),
    **dict.fromkeys(("--image-size", "--img-size", "--imgsz"), "--size"),
    **dict.fromkeys(("--scheduler", "--lr-schedule", "--lr-scheduler"), "--schedule"),
    **dict.fromkeys(("--network", "--net", "--arch", "--architecture", "-m"), "--model"),
    **dict.fromkeys(("--random-state", "--random-seed", "-s"), "--seed"),
    **dict.fromkeys(("--num-epochs", "--max-epochs", "--iterations", "--passes", "-e", "-n"), "--epochs"),
    **dict.fromkeys(("--inverse", "--negative", "--negate"), "--invert"),
    **dict.fromkeys(("-v", "-V"), "--version"),
    **dict.fromkeys(("-?", "-help"), "--help"),
}
WITHOUT = "the network and the files are written without options: fastconv predict MODEL FILE"
PRINTED = "results go to standard output: write fastconv predict MODEL FILE > RESULTS"
CPU = "fastconv computes on the CPU"
HINTS = {  # command -> option that it has not -> what to do
    "predict": {
        **dict.fromkeys(("--model", "--weights", "--checkpoint", "--ckpt", "--net", "--network", "-m"), WITHOUT),
        **dict.fromkeys(("--image", "--images", "--file", "--files", "--data", "-i", "-f"), WITHOUT),
        **dict.fromkeys(("--out", "--output", "--output-file", "--save", "-o"), PRINTED),
        **dict.fromkeys(("--gpu", "--cuda", "--device"), CPU),
    },
    "train": {
        "--dropout": "it belongs to the model: write --model-args dropout=0.5",
        **dict.fromkeys(("--gpu", "--cuda", "--device"), CPU),
    },
}
