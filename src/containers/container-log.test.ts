import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LogEntry, openLogWriter, parseEntry } from './container-log.ts';
import { type ReadLogOptions, readLog } from './read-log.ts';

let folder: string;
let time: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-log-'));
  time = 1000;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const out = (text: string | Buffer) => ({ stream: 'stdout', bytes: Buffer.from(text as string) }) as const;
const err = (text: string) => ({ stream: 'stderr', bytes: Buffer.from(text) }) as const;
const writer = (maxBytes?: number) => openLogWriter(folder, () => time++, maxBytes);

async function read(o: ReadLogOptions = {}): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const entry of readLog(folder, o)) entries.push(entry);
  return entries;
}
const texts = async (o?: ReadLogOptions): Promise<string[]> =>
  (await read(o)).map(({ bytes }) => bytes.toString('latin1'));

describe('the log of a container', () => {
  it('is empty where there is none', async () => expect(await read()).toEqual([]));

  it('goes on when it could not be turned over', async () => {
    mkdirSync(join(folder, 'log.1', 'x'), { recursive: true });
    const log = writer(10);
    log.write(out('one\n'));
    log.write(out('two\n'));
    log.close();
    rmSync(join(folder, 'log.1'), { recursive: true });
    expect(await texts()).toEqual(['one\n', 'two\n']);
  });

  it('loses what there was no room for, and no more', async () => {
    symlinkSync('/dev/full', join(folder, 'log'));
    const log = writer();
    log.write(out('lost\n'));
    log.close();
    rmSync(join(folder, 'log'));
    const next = writer();
    next.write(out('there\n'));
    next.close();
    expect(await texts()).toEqual(['there\n']);
  });

  it('has lines, streams and times, as docker writes them', async () => {
    const log = writer();
    log.write(out('one\ntwo\nbeg'));
    log.write(err('wrong\n'));
    log.write(out('un\n'));
    log.close();
    expect(readFileSync(join(folder, 'log'), 'utf8').split('\n')[0]).toBe(
      '{"log":"one\\n","stream":"stdout","time":"1970-01-01T00:00:01.000Z"}',
    );
    expect(await texts()).toEqual(['one\n', 'two\n', 'beg', 'wrong\n', 'un\n']);
    expect(await texts({ tail: 1 })).toEqual(['wrong\n']);
    expect(await texts({ tail: 2 })).toEqual(['beg', 'un\n', 'wrong\n']);
    expect(await texts({ tail: 0 })).toEqual([]);
    expect(await texts({ since: 1001, until: 1001 })).toEqual(['wrong\n']);
    expect(statSync(join(folder, 'log')).mode & 0o777).toBe(0o600);
  });

  it('keeps bytes that are no text, and lines of any length', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x0a]);
    const long = 'x'.repeat(100_000);
    const log = writer();
    log.write(out(bytes));
    log.write(out(`${long}\n`));
    log.close();
    expect(Buffer.from((await texts()).join(''), 'latin1')).toEqual(
      Buffer.concat([bytes, Buffer.from(`${long}\n`)]),
    );
  });

  it('goes on after a line that was cut off, and after lines that are none', async () => {
    const log = writer();
    log.write(out('before\n'));
    log.close();
    for (const line of ['null\n', '{"log":1}\n', '{"log":"a","stream":"x","time":"y"}\n', '{"log":"cut'])
      appendFileSync(join(folder, 'log'), line);
    const again = writer();
    again.write(out('after\n'));
    again.close();
    expect(await texts()).toEqual(['before\n', 'after\n']);
    expect(parseEntry('{"log":"a","stream":"stdout","time":"never"}')).toBeUndefined();
  });

  it('is bounded, and read across its two files', async () => {
    const log = writer(400);
    for (let number = 0; number < 50; number++) log.write(out(`${number}\n`));
    log.close();
    const lines = await texts();
    expect(readdirSync(folder).sort()).toEqual(['log', 'log.1']);
    expect(lines.at(-1)).toBe('49\n');
    expect(lines.map(Number)).toEqual(lines.map((_, at) => 50 - lines.length + at));
    expect(statSync(join(folder, 'log')).size + statSync(join(folder, 'log.1')).size).toBeLessThan(1000);
  });

  it('is followed across its files until nothing more comes', async () => {
    const log = writer(400);
    log.write(out('0\n'));
    let rounds = 0;
    const goesOn = (): boolean => {
      rounds++;
      for (let number = 0; number < 3; number++) log.write(out(`${3 * rounds + number - 2}\n`));
      return rounds < 5;
    };
    const lines = await texts({ goesOn });
    log.close();
    expect(lines.map(Number)).toEqual([...Array(16).keys()]);
    const stop = new AbortController();
    const abort = (): boolean => {
      stop.abort();
      return true;
    };
    await expect(texts({ goesOn: abort, signal: stop.signal })).rejects.toThrow();
  });
});
