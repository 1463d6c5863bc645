"""The report's words in English."""

from kamerton.evaluation.comparison import CAUTIONS, DOUBTS

__all__ = ["CAPTIONS", "CHOSEN", "DOUBTS", "FIGURE_TEXTS", "WORDS"]

WORDS = {
    "decimal": ".",
    "thousands": ",",
    "title": "Which network sorts these galaxies best?",
    "made": "Made by Kamerton {version} on {date}",
    "finding": "What was found",
    "best_shown": "{best} is better than every other network here.",
    "best_not_shown": "{best} has the highest accuracy, {value}; no difference was shown between it and {others}.",
    "only_one": "{best} reaches an accuracy of {value}. With one network there is nothing to compare.",
    "warnings": "Read this first",
    "leakage": "{run}: NOT A TEST: of {galaxies} galaxies the run has seen {seen}",
    "leakage unknown": "{run}: LEAKAGE NOT KNOWN: nobody recorded which galaxies these weights have seen",
    "seen_in": "{count} in the {split} set",
    **CAUTIONS,
    "results": "Results on the test set",
    "results_note": "{galaxies} galaxies of {dataset}{groups}. Below each value its 95% interval, from {resamples} bootstrap "
    "samples of galaxies and seeds; ± is the spread over seeds.",
    "groups": ", in {groups} groups that show the same galaxy",
    "network": "Network",
    "seeds": "Seeds",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro F1",
    "log_loss": "Log loss, nats",
    "differences": "Differences",
    "differences_note": "First less second, on the same resamples. p is of the exact McNemar test between the mean predictions "
    "of the seeds; number of comparisons that Holm's correction is for: {pairs}. A difference counts as shown where the "
    "interval excludes 0 and the corrected p is below {limit}.",
    "pair": "Networks",
    "difference": "Accuracy, difference",
    "only_right": "Only one right",
    "p_value": "p",
    "p_adjusted": "p after Holm",
    "corrected_p": "the corrected p",
    "verdict": "Finding",
    "better": "{better} is better",
    "no_difference": "no difference shown",
    "cost": "Cost",
    "cost_note": "Operations are counted on the network's graph, one multiply-add as two. Times are those of the machine "
    "named below, and worth comparing only where it was not busy with other things.",
    "parameters": "Parameters",
    "flops": "GFLOP an image",
    "training_seconds": "Training, s",
    "images_a_second": "Images a second",
    "peak_memory": "Peak memory, MiB",
    "pictures": "Pictures",
    "data": "Data",
    "split": "Set",
    "galaxies": "Galaxies",
    "cube": "Cube",
    "fingerprint": "Fingerprint (SHA-256)",
    "train": "training",
    "valid": "validation",
    "test": "test",
    "class": "Class",
    "in_test": "in the test set",
    "settings": "Settings",
    "recipe": "Recipe",
    "epochs": "Epochs",
    "batch": "Batch",
    "image": "Image, px",
    "chosen": "Weights chosen on",
    "views": "Views averaged",
    "runs": "Runs",
    "run": "Run",
    "seed": "Seed",
    "epoch_kept": "Epoch kept",
    "device": "Device",
    "threads": "Threads",
    "weights": "Weights (SHA-256)",
    "versions": "Versions",
    "limits": "Limits of what was shown",
    "limit_data": "The result holds for galaxies like these. Another survey, depth, seeing or redshift is another question.",
    "limit_labels": "Labels are taken as true. Where they come from votes, part of the errors are theirs.",
    "limit_seeds_one": "Some networks have one seed only; how much another seed would change is not known for them.",
    "limit_seeds": "The interval covers the choice of galaxies and, from few seeds, roughly that of the seed.",
    "limit_recipe": "Networks were trained by the recipe given. Another recipe may rank them otherwise.",
    "limit_test": "The more often a test set is looked at, the less it is one; how often that was is not recorded.",
    "limit_groups": "McNemar's test takes galaxies as independent, also those of one group.",
    "limit_valid": "Where the validation set chose the weights, its own numbers in the learning curves flatter them.",
    "imported": "imported",
    "none": "–",
}

CAPTIONS = {
    "learning_curves": "Learning curves of every run.",
    "cost": "Accuracy against operations an image, with 95% intervals.",
    "recall": "Recall of each class, with 95% intervals.",
    "confusion": "Confusion matrices, means over the seeds; numbers are percent of the true class.",
    "hard_galaxies": "Galaxies that every network gets wrong, the surest mistakes first. Some of the labels may be wrong.",
}
"""The caption of each of a comparison's FIGURES."""

FIGURE_TEXTS: dict[str, str] = {}
"""The pictures are drawn in English."""

CHOSEN = {
    "last epoch": "no split: the weights are those of the last epoch",
    "best val_loss": "validation: the weights are those of the epoch with its lowest loss",
    "best val_accuracy": "validation: the weights are those of the epoch with its highest accuracy",
    "unknown": "unknown: the weights were imported",
}
