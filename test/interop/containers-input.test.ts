import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Sandbox, until } from '../support/built-command.ts';
import { useBox } from '../support/shared-box.ts';

const BYTES = 30_000_000;
/** Pipes, sockets and windows on the way hold less. */
const MOST_ON_THE_WAY = 2_000_000;
/** Of a process that others ask for something meanwhile. */
const MOST_GROWTH = 8_000_000;

/** As much memory as a process has ever had, in bytes. */
const mostResident = (pid: number): number =>
  Number(/^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;

describe('input that a program in a container does not read yet', () => {
  let box: Sandbox;
  const told = useBox('crun', 'root', (made) => {
    box = made;
  });
  const supervisor = (): number =>
    Number(/^(\d+) .*supervisor-worker/m.exec(box.processes().join('\n'))?.[1]);

  it.each(['exec', 'attach'])('waits with whoever makes it, with %s', async (how) => {
    const program = `until test -e /tmp/go; do sleep 0.05; done; head -c ${BYTES} | wc -c`;
    const main = how === 'exec' ? 'exec sleep 1000' : program;
    await told('run', '-di', '--name', 'slow', 'base:1', 'sh', '-c', main);

    let sent = 0;
    async function* flood() {
      for (const part = Buffer.alloc(100_000, 'y\n'); sent < BYTES; sent += part.length) yield part;
    }
    const words = how === 'exec' ? ['exec', '-i', 'slow', 'sh', '-c', program] : ['attach', 'slow'];
    const client = box.start(words, { input: flood() });
    expect(await until(() => sent > 100_000)).toBe(true);
    // Others go in and out meanwhile, which takes longer than all of it would take to come if nothing held it back.
    const visit = async (): Promise<readonly number[]> => {
      for (let other = 0; other < 5; other++) await told('exec', 'slow', 'true');
      return [sent, mostResident(client.child.pid!), mostResident(supervisor())];
    };
    const before = await visit();
    const after = await visit();
    expect(sent).toBeLessThan(MOST_ON_THE_WAY);
    const [more, ...grown] = after.map((value, at) => value - before[at]!);
    expect(more).toBe(0);
    for (const growth of grown) expect(growth).toBeLessThan(MOST_GROWTH);

    await told('exec', 'slow', 'touch', '/tmp/go');
    expect(await client.ended).toMatchObject({ code: 0, stdout: `${BYTES}\n` });
    await told('rm', '-f', 'slow');
  });
});
