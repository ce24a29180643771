import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openConsole } from '../../src/runtime/console-socket.ts';

/** What a runtime does: it connects, sends a descriptor, and goes. */
const SEND = `
import array, os, socket, sys
to = socket.socket(socket.AF_UNIX)
to.connect(sys.argv[1])
for _ in range(int(sys.argv[2])):
    to.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [os.openpty()[0]]))])
if int(sys.argv[2]) == 0:
    to.sendall(b'x')
`;

describe('a console', () => {
  let folder: string;
  beforeEach(() => {
    // Longer than a socket's name may be.
    folder = mkdtempSync(join(tmpdir(), `dobos-console-${'x'.repeat(100)}-`));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const send = (path: string, count: number): Promise<number | null> =>
    new Promise((resolve) => {
      spawn('python3', ['-c', SEND, path, String(count)], { stdio: 'inherit' }).once('exit', resolve);
    });

  it('takes the terminal that is sent, also from who has gone meanwhile', async () => {
    const consoleSocket = openConsole(folder);
    expect(await send(consoleSocket.path, 1)).toBe(0);
    consoleSocket.close();
    const terminal = await consoleSocket.terminal;
    expect(readlinkSync(`/proc/self/fd/${terminal}`)).toMatch(/ptmx$/);
    closeSync(terminal!);
  });

  it('has none where none is sent', async () => {
    const unused = openConsole(folder);
    unused.close();
    unused.close();
    expect(await unused.terminal).toBeUndefined();
    rmSync(join(folder, 'console'));
    const empty = openConsole(folder);
    expect(await send(empty.path, 0)).toBe(0);
    expect(await empty.terminal).toBeUndefined();
  });
});
