import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Sandbox, SandboxUser } from './built-command.ts';

/** What is done once the text has been seen that comes after what the step before saw. */
export interface TypingStep {
  readonly see: string;
  readonly type?: string;
  /** Columns, rows. */
  readonly resize?: readonly [number, number];
  /** The terminal is closed; code 98 then. */
  readonly hangUp?: true;
}

const SCRIPT = `
import fcntl, json, os, pty, select, struct, sys, termios
steps = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[2], sys.argv[2:])
def size(columns, rows): fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
size(100, 30)
seen = b""; at = 0
def follow():
  global at
  while steps:
    found = seen.find(steps[0]["see"].encode(), at)
    if found < 0: break
    step = steps.pop(0); at = found + len(step["see"].encode())
    if "resize" in step: size(*step["resize"])
    if "type" in step: os.write(fd, step["type"].encode())
    if "hangUp" in step:
      os.close(fd)
      os.waitpid(pid, 0)
      sys.exit(98)
follow()
while True:
  try: part = os.read(fd, 65536)
  except OSError: break
  if not part: break
  seen += part; sys.stdout.buffer.write(part); sys.stdout.buffer.flush()
  follow()
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) if not steps else 99)
`;

/** Runs the built command in a pseudo terminal of 100 columns and 30 rows of Python's; code 99 if it ended before all was seen. */
export async function inTerminal(
  box: Sandbox,
  words: readonly string[],
  steps: readonly TypingStep[],
  o: { readonly user?: SandboxUser; readonly build?: string } = {},
): Promise<{ readonly code: number | null; readonly seen: string }> {
  const command = [process.execPath, resolve(o.build ?? '.', 'dist/dobos.cjs'), ...words];
  const child = spawn('python3', ['-c', SCRIPT, JSON.stringify(steps), ...command], {
    env: { ...box.env, TERM: 'xterm' },
    cwd: box.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 150_000,
    ...(o.user === undefined ? {} : { uid: o.user.uid, gid: o.user.gid }),
  });
  let seen = '';
  child.stdout.on('data', (bytes: Buffer) => {
    seen += bytes;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, seen: seen.replaceAll('\r', '') };
}
