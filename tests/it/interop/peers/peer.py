"""The peer in Python, with the library gear. What peers do stands in ../peers.rs."""

import os
import sys
import threading

import gear

MODE, HOST, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 0
PATIENCE = 60


def work():
    worker = gear.Worker("peer")
    worker.addServer(HOST, PORT)
    worker.waitForServer()
    for function in ("reverse", "talks", "throws", "fails"):
        worker.registerFunction(function)
    while True:
        job = worker.getJob()
        if job.name == "reverse":
            job.sendWorkComplete(job.arguments[::-1])
        elif job.name == "talks":
            job.sendWorkData(b"one")
            job.sendWorkStatus(1, 2)
            job.sendWorkWarning(b"careful")
            job.sendWorkData(b"two")
            job.sendWorkStatus(2, 2)
            job.sendWorkComplete(b"three")
        elif job.name == "throws":
            job.sendWorkException(b"boom")
        elif job.name == "fails":
            job.sendWorkFail()


class Job(gear.Job):
    """A job that remembers what it was told."""

    def __init__(self, function, body, unique=None):
        super().__init__(function, body, unique)
        self.events = []
        self.result = None
        self.ended = threading.Event()

    def wait(self):
        if not self.ended.wait(PATIENCE):
            sys.exit("no end of a job of " + self.name)
        return self


class Client(gear.Client):
    """Tells each job what comes for it."""

    def handleWorkData(self, packet):
        job = super().handleWorkData(packet)
        job.events.append("data " + packet.getArgument(1).decode())

    def handleWorkWarning(self, packet):
        job = super().handleWorkWarning(packet)
        job.events.append("warning " + packet.getArgument(1).decode())

    def handleWorkStatus(self, packet):
        job = super().handleWorkStatus(packet)
        job.events.append("status %s/%s" % (job.numerator.decode(), job.denominator.decode()))

    def handleWorkComplete(self, packet):
        job = super().handleWorkComplete(packet)
        job.result = packet.getArgument(1, True)
        job.events.append("complete " + job.result.decode("latin-1"))
        job.ended.set()

    def handleWorkException(self, packet):
        job = super().handleWorkException(packet)
        job.events.append("exception " + job.exception.decode())
        job.ended.set()

    def handleWorkFail(self, packet):
        job = super().handleWorkFail(packet)
        job.events.append("fail")
        job.ended.set()


def connect():
    client = Client()
    client.addServer(HOST, PORT)
    client.waitForServer()
    return client


def submit(client, function, body, unique=None, **how):
    """Comes back when the server has taken the job."""
    job = Job(function, body, unique)
    client.submitJob(job, timeout=PATIENCE, **how)
    return job


def verbs():
    client = connect()
    priorities = [gear.PRECEDENCE_NORMAL, gear.PRECEDENCE_HIGH, gear.PRECEDENCE_LOW]
    for name, precedence in zip(("normal", "high", "low"), priorities):
        job = submit(client, b"reverse", b"abc", precedence=precedence).wait()
        print(name, job.result.decode())
    for function in ("talks", "throws", "fails"):
        job = submit(client, function, b"x").wait()
        print(function, "|".join(job.events))


def many():
    client = connect()
    bodies = [b"job %d" % i for i in range(COUNT)]
    jobs = [submit(client, b"reverse", body) for body in bodies]
    print(sum(job.wait().result == body[::-1] for job, body in zip(jobs, bodies)))


def large():
    body = bytes(i % 251 for i in range(COUNT))
    job = submit(connect(), b"reverse", body).wait()
    print("whole" if job.result == body[::-1] else "damaged")


def background():
    client = connect()
    jobs = [submit(client, b"reverse", b"%d" % i, background=True) for i in range(COUNT)]
    print(len({job.handle for job in jobs}))


def coalesce():
    client = connect()
    jobs = [submit(client, b"nobody", b"x", b"same", background=True) for _ in range(2)]
    handles = {job.handle for job in jobs}
    print("one job" if len(handles) == 1 else "two jobs")


modes = {
    "work": work,
    "verbs": verbs,
    "many": many,
    "large": large,
    "background": background,
    "coalesce": coalesce,
}
modes[MODE]()
sys.stdout.flush()
# The threads of the library would go on.
os._exit(0)
