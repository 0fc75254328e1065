#!/usr/bin/env python3
"""How long a function takes from its start to its first question for an invocation, how large it is, and what it holds idle.

Run by `make cold-start` on the bootstraps of `make lambdas ARCH=x86_64`. The Runtime API is a socket of this machine that
answers nothing. Nothing is asked of AWS before the first question, so that no server is needed.
Arguments: the directory of the bootstraps, and how many starts each (21).
"""
import os, pathlib, socket, statistics, subprocess, sys, tempfile, time, zipfile

FUNCTIONS = ["rebalance-planned", "trade-execution", "workflow-outcome", "sweeper"]
P50_MAX_MS, ZIP_MAX_MB, RSS_MAX_MIB = 6.0, 5.0, 12.0


def environment(api):
    return {
        "AWS_LAMBDA_RUNTIME_API": api, "AWS_LAMBDA_FUNCTION_NAME": "function", "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none", "ALCHEMISER_STAGE": "paper", "ALCHEMISER_STATE": "s3://nowhere-at-all",
        "ALCHEMISER_ACCOUNT": "PA000000001", "ALCHEMISER_BUS": "bus", "ALCHEMISER_TOPIC": "arn:aws:sns:us-east-1:0:t",
        "ALCHEMISER_BROKER": "http://127.0.0.1:9", "ALCHEMISER_LOOPBACK_ONLY": "1",
        "ALCHEMISER_BROKER_SECRET": "arn:aws:secretsmanager:us-east-1:0:secret:s",
    }


def start(program):
    """Milliseconds until the first question, and resident MiB once it waits for the answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        api = "127.0.0.1:%d" % server.getsockname()[1]
        began = time.perf_counter()
        process = subprocess.Popen([program], env=environment(api), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            connection, _ = server.accept()
            with connection:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    if not (more := connection.recv(4096)):
                        sys.exit(f"{program} ended: {process.stderr.read().decode()}")
                    asked += more
                took = (time.perf_counter() - began) * 1000
                assert b"/invocation/next" in asked, asked
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
                return took, int(resident.split()[1]) / 1024
        except TimeoutError:
            process.kill()
            sys.exit(f"{program} asked nothing: {process.stderr.read().decode()}")
        finally:
            process.kill()
            process.wait()


def zipped(program):
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(program, "bootstrap")
        return file.tell() / 1e6


def main():
    directory, starts = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 21
    print(f"{starts} starts each; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'function':20} {'MB':>6} {'zip MB':>7} {'min ms':>7} {'p50 ms':>7} {'max ms':>7} {'RSS MiB':>8}")
    missed = []
    for name in FUNCTIONS:
        program = directory / name / "bootstrap"
        if not program.is_file():
            continue
        start(program)  # what is on the disk is in memory now
        found = [start(program) for _ in range(starts)]
        times, resident = sorted(took for took, _ in found), max(held for _, held in found)
        p50, size = statistics.median(times), zipped(program)
        megabytes = program.stat().st_size / 1e6
        print(f"{name:20} {megabytes:6.2f} {size:7.2f} {times[0]:7.1f} {p50:7.1f} {times[-1]:7.1f} {resident:8.1f}")
        for what, value, most in [("p50 ms", p50, P50_MAX_MS), ("zip MB", size, ZIP_MAX_MB), ("RSS MiB", resident, RSS_MAX_MIB)]:
            if value > most:
                missed.append(f"{name}: {what} {value:.1f}, expected at most {most}")
    # A machine that does other things, too, starts nothing in its time: said, and not failed for.
    print("\n".join(missed) if missed else "all within their bounds")


main()
