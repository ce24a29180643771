import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientTask, clientProgram } from './runtime-client.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-terminal-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const client = (runtime: string, inherit: NonNullable<ClientTask['inherit']>, command: string): string[] => [
  ...[process.execPath, '--input-type=module', '-e', clientProgram()],
  JSON.stringify({
    storeFolder: join(folder, 'store'),
    runtime,
    commands: [command],
    inherit,
  } satisfies ClientTask),
];

function withPipes(
  runtime: string,
  inherit: NonNullable<ClientTask['inherit']>,
  command: string,
  input: string,
) {
  const [program, ...args] = client(runtime, inherit, command);
  const { stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8', input });
  // The client's first line names the executor, its last one holds the result.
  const lines = stdout.split('\n').slice(1, -1);
  return { result: JSON.parse(lines.pop() ?? '{}') as object, stdout: lines.join('\n'), stderr };
}

/** In a pseudo terminal of Python's, with these words typed once the program has said `ready`. */
function inTerminal(command: readonly string[], typed: string): string {
  const script = [
    'import os, pty, sys',
    'pid, fd = pty.fork()',
    'if pid == 0: os.execv(sys.argv[2], sys.argv[2:])',
    'seen = b""',
    'while True:',
    '  try: part = os.read(fd, 65536)',
    '  except OSError: break',
    '  if not part: break',
    '  if b"ready" in seen + part and b"ready" not in seen: os.write(fd, sys.argv[1].encode())',
    '  seen += part',
    'os.waitpid(pid, 0); sys.stdout.buffer.write(seen)',
  ].join('\n');
  return spawnSync('python3', ['-c', script, typed, ...command], { encoding: 'utf8' }).stdout;
}

describe.each(['runc', 'crun', 'chroot'])('the person’s own streams with %s', (runtime) => {
  it('refuses a terminal where there is none', () => {
    const { result } = withPipes(runtime, { interactive: true, tty: true }, 'true', '');
    expect(result).toMatchObject({ error: 'RUNTIME_TERMINAL' });
  });
  it('passes all three on', () => {
    const run = withPipes(
      runtime,
      { interactive: true, tty: false },
      'cat; echo problem >&2; exit 3',
      'typed\n',
    );
    expect(run).toEqual({
      result: { code: 3, stdout: '', stderr: '' },
      stdout: 'typed',
      stderr: 'problem\n',
    });
  });
  it('keeps the input back without -i', () => {
    const run = withPipes(runtime, { interactive: false, tty: false }, 'cat; echo end', 'typed\n');
    expect(run.stdout).toBe('end');
  });
  it('says on the person’s standard error why a program cannot be started', () => {
    const task = withPipes(runtime, { interactive: false, tty: false }, 'exec /nope', '');
    expect(task.stderr).toContain('/nope');
  });
  it('gives a terminal, and Ctrl-C to the process only', () => {
    const command =
      'trap "echo caught; exit 9" INT; test -t 0 && test -t 1 && echo rea""dy; while :; do sleep 0.1; done';
    const seen = inTerminal(client(runtime, { interactive: true, tty: true }, command), '\u0003');
    expect(seen).toContain('caught');
    expect(seen).toContain('"code":9');
  });
});
