"""What the library costs, beside other clients and beside a loop that does nothing: ``nox -s bench``.

It is run on demand and never in CI. Every client runs in a process of its own against one local server, all of them
in turn and several times over; medians are compared, as absolute numbers mean nothing on another machine.
"""
