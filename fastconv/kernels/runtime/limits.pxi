# The default number of threads: physical processors that this process may use, within the quota of its control groups.

def default_num_threads():
    """The smallest of the physical processors, the quota of the control groups and OpenMP's limit; from 1 to MOST."""
    limits = physical_processors(), control_group_quota(), omp_get_thread_limit(), MOST
    return min(limit for limit in limits if limit > 0)


def processors():
    """The numbers of the processors this process may use; as many as there are where the system does not say."""
    try:
        return os.sched_getaffinity(0)
    except (AttributeError, OSError):
        return set(range(os.cpu_count() or 1))


def physical_processors(folder="/sys/devices/system/cpu", allowed=None):
    """How many physical processors the allowed ones are: hyper-threads of one core count once; all if it is unknown."""
    allowed = processors() if allowed is None else allowed
    try:
        return len({_read(f"{folder}/cpu{number}/topology/thread_siblings_list") for number in allowed})
    except OSError:
        return len(allowed)


def control_group_quota(folder="/sys/fs/cgroup", process="/proc/self/cgroup"):
    """Whole processors in the smallest quota of the control groups around this process, rounded up; 0: no quota."""
    quotas = [quota for place in _control_groups(folder, process) if (quota := _quota_of(place))]
    return min(quotas, default=0)


def _control_groups(folder, process):
    """The folders of this process's control groups and of all groups around them, of version 2 and of version 1.

    In a container the path in `process` may not exist below `folder`, whose root is then the container's own group.
    """
    for line in ["0::/", "1:cpu:/", *_lines_of(process)]:
        controllers, path = (line.split(":", 2) + ["", ""])[1:3]
        if not controllers:
            mounts = folder, f"{folder}/unified"
        elif "cpu" in controllers.split(","):
            mounts = f"{folder}/cpu", f"{folder}/{controllers}"
        else:
            continue
        parts = [part for part in path.split("/") if part]
        for depth in range(len(parts) + 1):
            yield from ("/".join([mount, *parts[:depth]]) for mount in mounts)


def _lines_of(path):
    """The lines of a file; none where it cannot be read."""
    try:
        return _read(path).splitlines()
    except (OSError, ValueError):
        return []


def _quota_of(group):
    """The whole processors that one control group may use; 0 where it has no quota or none can be read."""
    try:
        return whole_processors(*_read(f"{group}/cpu.max").split())
    except (OSError, ValueError, TypeError):
        pass
    try:
        return whole_processors(_read(f"{group}/cpu.cfs_quota_us"), _read(f"{group}/cpu.cfs_period_us"))
    except (OSError, ValueError):
        return 0


def whole_processors(quota, period):
    """quota / period rounded up, from the texts of both in microseconds; 0 where there is no quota."""
    if quota == "max":
        return 0
    quota, period = int(quota), int(period)
    return -(-quota // period) if quota > 0 and period > 0 else 0


def _read(path):
    """The text of a file."""
    with open(path) as file:
        return file.read()
