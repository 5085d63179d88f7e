# Runs a command on a terminal of its own (pty(7)) for a test. stdin: one JSON object a line: {"type": TEXT},
# {"size": [ROWS, COLUMNS]}, {"signal": NUMBER}. stdout: what the terminal shows; then, after a NUL, JSON with the status and
# whether the terminal was left as it was found.

import fcntl, json, os, pty, select, struct, sys, termios

rows, columns, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
master, slave = pty.openpty()


def set_size(rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


set_size(rows, columns)
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in 0, 1, 2:
        os.dup2(slave, fd)
    os.closerange(3, 64)
    os.execvp(command[0], command)

rest, inputs = b"", [0, master]
while True:
    ready, _, _ = select.select(inputs, [], [], 0.02)
    if master in ready:
        os.write(1, os.read(master, 65536))
    if 0 in ready:
        chunk = os.read(0, 65536)
        if not chunk:
            inputs.remove(0)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            asked = json.loads(line)
            if "type" in asked:
                os.write(master, asked["type"].encode())
            elif "size" in asked:
                set_size(*asked["size"])
            else:
                os.kill(pid, asked["signal"])
    if not ready:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
while select.select([master], [], [], 0.05)[0]:
    os.write(1, os.read(master, 65536))
end = {"status": os.waitstatus_to_exitcode(status), "restored": termios.tcgetattr(slave) == before}
os.write(1, b"\0" + json.dumps(end).encode())
