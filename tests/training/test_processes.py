import pytest

from tdmm_core.errors import InputError
from tdmm_core.training.distributed import first_host, launched


def test_alone_where_nothing_launched_it():
    assert launched({}) == {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}


def test_a_batch_script_is_no_step_even_if_it_asks_for_many_tasks():
    script = {"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "7", "SLURM_NODELIST": "a[1-4]"}
    assert launched(script)["WORLD_SIZE"] == "1"


def test_srun_says_who_we_are_and_where_the_first_is():
    step = {
        "SLURM_PROCID": "5",
        "SLURM_STEP_NUM_TASKS": "8",
        "SLURM_NTASKS": "8",
        "SLURM_LOCALID": "1",
        "SLURM_JOB_ID": "123456",
        "SLURM_STEP_ID": "2",
        "SLURM_STEP_NODELIST": "gpu[07-09,12]",
        "SLURM_NODELIST": "other[1-9]",
    }
    found = launched(step)
    assert (found["RANK"], found["WORLD_SIZE"], found["LOCAL_RANK"]) == ("5", "8", "1")
    assert found["MASTER_ADDR"] == "gpu07"
    assert 1024 < int(found["MASTER_PORT"]) < 65536
    assert launched({**step, "SLURM_PROCID": "0"})["MASTER_PORT"] == found["MASTER_PORT"]
    assert launched({**step, "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "999"})["MASTER_PORT"] == "999"


def test_torchrun_is_believed_before_slurm():
    found = launched({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "2"})
    assert found == {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}


@pytest.mark.parametrize(
    ("nodes", "host"),
    [
        ("node1", "node1"),
        ("node1,node2", "node1"),
        ("gpu[07-09,12],big1", "gpu07"),
        ("a-b[3,5]", "a-b3"),
        ("rack[2-4]n.cluster.org", "rack2n.cluster.org"),
        ("c[001]", "c001"),
    ],
)
def test_the_first_host_of_a_node_list(nodes, host, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert first_host(nodes) == host


def test_no_host_at_all_is_refused(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="MASTER_ADDR"):
        first_host("")
