"""Several networks with several seeds on the same data: ``kamerton sweep``.

Every run is a folder of its own, ``OUT/NETWORK-seedK``. Given again, the same sweep skips what is finished and resumes
what is not, to the same bits; so it does not matter what interrupted it, or on how many machines it runs.
"""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from kamerton.checks import as_path, several
from kamerton.config.learning import SweepSettings
from kamerton.config.machine import Layout
from kamerton.config.recipe import Recipe
from kamerton.errors import KamertonError, KamertonWarning, MissingExtraError, TrainingStoppedError, UsageError
from kamerton.evaluation.evaluate import evaluate
from kamerton.machine.devices import choose_device
from kamerton.machine.memory import keep_freed_memory
from kamerton.machine.workers import side_by_side
from kamerton.networks.registry import find_network
from kamerton.plurals import counted
from kamerton.recipes import load_recipe
from kamerton.runs.evaluation import dataset_name, evaluation_names, read_metrics
from kamerton.runs.folder import Run, open_run
from kamerton.runs.history import HISTORY_FILE, read_history
from kamerton.starts.start import absolute_start, named_start, require_networks, require_start
from kamerton.training.progress import Silent, Watcher
from kamerton.training.train import train


@dataclass(frozen=True)
class Task:
    """One run of a sweep; it holds all that another machine needs."""

    data: Path
    out: Path
    network: str
    seed: int
    recipe: Recipe
    size: int | None
    start: str | None
    freeze: bool
    layout: Layout
    eight_views: bool
    threads: int
    """Of the CPU; the last bits depend on them, so every machine uses as many."""


def sweep(
    data: str | Path,
    *,
    networks: str | Iterable[str],
    out: str | Path,
    seeds: int | Iterable[int] = SweepSettings.seeds,
    recipe: str | Recipe = SweepSettings.recipe,
    epochs: int | None = SweepSettings.epochs,
    batch_size: int | None = SweepSettings.batch_size,
    size: int | None = SweepSettings.size,
    start: Run | str | Path | None = SweepSettings.start,
    freeze: bool = SweepSettings.freeze,
    layout: Layout = SweepSettings.layout,
    eight_views: bool = SweepSettings.eight_views,
    ray: bool = SweepSettings.ray,
    workers: int | Literal["auto"] = SweepSettings.workers,
    watcher_for: Callable[[], Watcher] = Silent,
    say: Callable[[str], None] | None = None,
) -> list[Run]:
    """Train every network with every seed on ``DATA/train.fits`` and test each on ``DATA/test.fits`` where that is.

    With ``ray`` the runs are spread over a Ray cluster, whose machines see the same folders; the results are the same
    bits. With ``workers`` so many are trained side by side on this machine, its threads shared out among them, to the
    bits of a sweep in turn on as many threads as each has; a script that asks for several has its own work under
    ``if __name__ == "__main__"``. Raises UsageError for an empty list, a name twice, or a ``start`` that is not of all
    networks, before anything is trained, what `train` and `evaluate` raise, and WorkerLostError where a worker is
    killed; runs that are done by then stay done.
    """
    settings = SweepSettings(
        networks=several(networks, str),
        seeds=several(seeds, int),
        recipe=recipe,
        epochs=epochs,
        batch_size=batch_size,
        size=size,
        start=named_start(start),
        freeze=freeze,
        layout=layout,
        eight_views=eight_views,
        ray=ray,
        workers=workers,
    )
    _require_distinct("network", settings.networks)
    _require_distinct("seed", settings.seeds)
    for name in settings.networks:
        find_network(name)
    plan = load_recipe(recipe, epochs=epochs, batch_size=batch_size, freeze=freeze)
    for name in settings.networks:
        require_start(plan, name, settings.start)
    if settings.start is not None:
        require_networks(settings.start, settings.networks)
    count = _workers(settings)
    threads = max(1, torch.get_num_threads() // count)
    cubes, folder = as_path(data, "data"), as_path(out, "out")
    common = Task(cubes, folder, "", 0, plan, size, settings.start, freeze, layout, eight_views, threads)
    tasks = [
        dataclasses.replace(common, out=common.out / f"{name}-seed{seed}", network=name, seed=seed)
        for name, seed in itertools.product(settings.networks, settings.seeds)
    ]
    say = say or Silent().say
    if ray:
        done = _spread(tasks, say)
    else:
        done = _in_turn(tasks, watcher_for, say) if count == 1 else _beside(tasks, count, watcher_for(), say)
    for path in done:
        say(f"done: {path}")
    return [open_run(task.out) for task in tasks]


def _require_distinct(what: str, values: Sequence[Any]) -> None:
    if not values or len(set(values)) < len(values):
        raise UsageError(
            f"A sweep needs each {what} once",
            received=", ".join(map(str, values)) or "none",
            next_step=f"name one {what} or more, each once",
        )


def _workers(settings: SweepSettings) -> int:
    """Say how many runs are trained side by side; two on a thread each do more in an hour than one on two."""
    runs = len(settings.networks) * len(settings.seeds)
    if settings.workers != "auto":
        return min(runs, settings.workers)
    return 1 if choose_device().type == "cuda" else min(runs, torch.get_num_threads())


def _in_turn(tasks: Iterable[Task], watcher_for: Callable[[], Watcher], say: Callable[[str], None]) -> Iterable[Path]:
    for task in tasks:
        say(f"{task.out.name}:")
        yield work(task, watcher_for())


def work(task: Task, watcher: Watcher) -> Path:
    """Bring one run of a sweep to its end, from wherever it stands, and give its folder."""
    usual = torch.get_num_threads()
    torch.set_num_threads(task.threads)
    try:
        run = train(
            task.data,
            network=task.network,
            recipe=task.recipe,
            size=task.size,
            start=task.start,
            freeze=task.freeze,
            layout=task.layout,
            seed=task.seed,
            out=task.out,
            resume=True,
            watcher=watcher,
        )
        _test(run, task, watcher)
    except TrainingStoppedError as stopped:
        raise TrainingStoppedError(
            stopped.signal,
            f"in {task.out.name}, {stopped.place}",
            task.out,
            next_step="give the same sweep again: it goes on where it was",
        ) from stopped
    finally:
        torch.set_num_threads(usual)
    return task.out


def _test(run: Run, task: Task, watcher: Watcher) -> None:
    """Evaluate a run on the test cube, unless these very weights were."""
    cube = task.data / "test.fits"
    assert run.record.results is not None
    if not cube.exists():
        return
    name = dataset_name(cube)
    if name in evaluation_names(run):
        known = read_metrics(run, name)
        wanted = (run.record.results.weights, 8 if task.eight_views else 1, "float32")
        if (known.weights_sha256, known.views, known.precision) == wanted:
            return
    evaluate(run, cube, eight_views=task.eight_views, watcher=watcher)


def _beside(tasks: Sequence[Task], workers: int, watcher: Watcher, say: Callable[[str], None]) -> Iterable[Path]:
    """Train so many runs side by side on this machine, and show how many of all epochs are done."""
    say(f"{len(tasks)} runs, {workers} side by side, {counted(tasks[0].threads, 'thread')} each")
    shown = _epochs(tasks)
    with watcher.task("training", sum(task.recipe.epochs for task in tasks), "epochs", shown) as advance:

        def look() -> None:
            nonlocal shown
            now = _epochs(tasks)
            advance(now - shown)
            shown = now

        with closing(side_by_side(_work_silently, [_absolute(task) for task in tasks], workers, look)) as results:
            for result in results:
                yield _result(result)


def _epochs(tasks: Iterable[Task]) -> int:
    """Count the epochs that are done in the runs of a sweep, begun or not."""
    done = 0
    for task in tasks:
        with suppress(OSError, ValueError):
            done += len(read_history(task.out / HISTORY_FILE))
    return done


def _spread(tasks: Sequence[Task], say: Callable[[str], None]) -> Iterable[Path]:
    """Give the tasks to a Ray cluster: the one that RAY_ADDRESS names, or one of this machine's own."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(
            "Ray is not installed", next_step="install it with `pip install ray`, or leave --ray out"
        ) from error
    began_here = not ray.is_initialized()
    if began_here:
        ray.init(log_to_driver=False, include_dashboard=False)
    try:
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        say(f"{len(tasks)} runs on {int(resources.get('CPU', 0))} CPUs of a Ray cluster")
        remote = ray.remote(_work_silently)
        waiting = [remote.options(num_cpus=task.threads).remote(_absolute(task)) for task in tasks]
        while waiting:
            done, waiting = ray.wait(waiting)
            yield _result(ray.get(done[0]))
    finally:
        if began_here:
            ray.shutdown()


def _absolute(task: Task) -> Task:
    """Name its folders so that a worker, which stands in another one, finds them."""
    return dataclasses.replace(task, data=task.data.resolve(), out=task.out.resolve(), start=absolute_start(task.start))


@dataclass(frozen=True)
class _Done:
    """What another process brings back of a run: an error whole, for Ray would wrap it into pages, and warnings."""

    path: Path
    error: KamertonError | None
    said: list[str]


def _work_silently(task: Task) -> _Done:
    """Work in another process, whose own lines nobody sees."""
    keep_freed_memory()
    error = None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", KamertonWarning)
        try:
            work(task, Silent())
        except KamertonError as foreseen:
            error = foreseen
    return _Done(task.out, error, [str(one.message) for one in said if issubclass(one.category, KamertonWarning)])


def _result(done: _Done) -> Path:
    for line in done.said:
        warnings.warn(f"{done.path.name}: {line}", KamertonWarning, stacklevel=2)
    if done.error is not None:
        raise done.error
    return done.path
