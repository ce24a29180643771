import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ProcessFacts, processColumns, readProcessFacts, readUserNames } from './process-columns.ts';

const NOW = new Date(2026, 10, 29, 12, 0, 30).getTime();
const facts = (o: Partial<ProcessFacts> = {}): ProcessFacts => ({
  pid: 42,
  parent: 7,
  uid: 5,
  user: 'games',
  state: 'S',
  tty: 'pts/1',
  nice: 0,
  busy: 3723,
  startedAt: new Date(2026, 10, 29, 10, 5).getTime(),
  virtual: 8192,
  resident: 4096,
  program: 'sleep',
  command: 'sleep 1000',
  ...o,
});
const shown = (options: readonly string[], o: Partial<ProcessFacts> = {}): string[] =>
  processColumns(options).map(({ title, show }) => `${title}:${show(facts(o), NOW)}`);

describe('columns of ps', () => {
  it.each([[[]], [['-ef']], [['-e', '-f']]])('are those of -ef for %j', (options) => {
    expect(shown(options)).toEqual([
      'UID:games',
      'PID:42',
      'PPID:7',
      'C:53',
      'STIME:10:05',
      'TTY:pts/1',
      'TIME:01:02:03',
      'CMD:sleep 1000',
    ]);
  });

  it.each([[['aux']], [['-aux']]])('are those of aux for %j', (options) => {
    expect(shown(options)).toEqual([
      'USER:games',
      'PID:42',
      '%CPU:53.7',
      'VSZ:8',
      'RSS:4',
      'TTY:pts/1',
      'STAT:S',
      'START:10:05',
      'TIME:62:03',
      'COMMAND:sleep 1000',
    ]);
  });

  it.each([
    [['-o', 'pid,comm=NAME,etime']],
    [['-eopid,comm=NAME', '-o', 'etime']],
    [['o', 'pid comm=NAME etime']],
  ])('are those of the list %j', (options) =>
    expect(shown(options)).toEqual(['PID:42', 'NAME:sleep', 'ELAPSED:01:55:30']),
  );

  it('say a day, a year and days where hours say too little', () => {
    expect(shown(['-o', 'pid,stime,etime'], { startedAt: new Date(2026, 2, 1).getTime() }).slice(1)).toEqual([
      'STIME:Mar01',
      'ELAPSED:273-12:00:30',
    ]);
    expect(shown(['-o', 'pid,start'], { startedAt: new Date(2025, 2, 1).getTime() })[1]).toBe('STARTED:2025');
  });

  it.each([
    [['-Z'], '-Z'],
    [['--forest'], '--forest'],
    [['-o', 'pid,nosuch'], 'nosuch'],
    [['-o', 'constructor'], 'constructor'],
    [['-o'], ''],
    [['-o', 'user,args'], '-o user,args'],
  ])('are refused for %j', (options, option) => {
    expect(() => processColumns(options)).toThrow(`top: "${option}" is none of the options of ps`);
  });
});

it('names of users are the first of each number', () => {
  expect([...readUserNames('root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:\n#\nada:x:1000:1::/:\n')]).toEqual([
    [0, 'root'],
    [1000, 'ada'],
  ]);
});

it.runIf(process.platform === 'linux')('memory of a process is what its status says', async () => {
  const child = spawn('sleep', ['1000']);
  await once(child, 'spawn');
  try {
    const status = (): number =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1]) * 1024;
    // Once it has nothing more to load.
    await expect
      .poll(() => [readProcessFacts(child.pid!, 0, new Map())?.resident, status()])
      .toSatisfy(([told, want]: number[]) => told === want && told! > 100_000);
  } finally {
    child.kill('SIGKILL');
  }
});

it.runIf(process.platform === 'linux')(
  'facts of a process come from /proc, those of one that is gone are none',
  () => {
    expect(readProcessFacts(process.pid, 0, new Map())).toMatchObject({
      pid: process.pid,
      parent: process.ppid,
      user: String(process.geteuid?.()),
      command: expect.stringContaining('node'),
    });
    expect(readProcessFacts(2 ** 30, 0, new Map())).toBeUndefined();
  },
);
