import { expect, test } from 'vitest';
import { type ByteStream, collect, streamOf } from '../base/bytes.ts';
import { encodeHeader, endOfArchive, padding } from './encoder.ts';
import { contentPieces, type TarHeader } from './header.ts';
import { readTar } from './read.ts';

function entry(name: string, content: string): Buffer {
  const header: TarHeader = {
    name,
    kind: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: content.length,
    mtime: { seconds: 0, nanos: 0 },
    linkName: '',
    uname: '',
    gname: '',
  };
  return Buffer.concat([encodeHeader(header), Buffer.from(content), Buffer.alloc(padding(content.length))]);
}

const ARCHIVE = Buffer.concat([
  entry('a', 'A'.repeat(3000)),
  entry('b', ''),
  entry('c', 'C'),
  endOfArchive(),
]);

async function* cut(bytes: Buffer, size: number, onEnd: () => void = () => {}): ByteStream {
  try {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  } finally {
    onEnd();
  }
}

test.each([1, 100, 512, 4000, 1_000_000])(
  'bodies are read or skipped, whatever the chunk size (%d)',
  async (size) => {
    for (const wanted of ['', 'a', 'ac', 'abc']) {
      const seen: string[] = [];
      for await (const { header, body } of readTar(cut(ARCHIVE, size))) {
        seen.push(
          wanted.includes(header.name)
            ? `${header.name}${(await collect(body, 10_000)).length}`
            : header.name,
        );
      }
      const want = ['a', 'b', 'c'].map((name, i) =>
        wanted.includes(name) ? `${name}${[3000, 0, 1][i]}` : name,
      );
      expect(seen).toEqual(want);
    }
  },
);

test('a body that is read too late says so, instead of being empty', async () => {
  const bodies: ByteStream[] = [];
  for await (const { body } of readTar(cut(ARCHIVE, 100))) bodies.push(body);
  await expect(collect(bodies[0]!, 10_000)).rejects.toMatchObject({ code: 'TAR_BODY_GONE' });
});

test('a body read while the next entry is open says so, and takes nothing of it', async () => {
  const entries = readTar(cut(ARCHIVE, 100));
  const first = (await entries.next()).value!;
  let last = first;
  for (const name of ['b', 'c']) {
    last = (await entries.next()).value!;
    expect(last.header.name).toBe(name);
  }
  await expect(collect(first.body, 10_000)).rejects.toMatchObject({ code: 'TAR_BODY_GONE' });
  expect((await collect(last.body, 10_000)).toString()).toBe('C');
});

test('a body left half read is skipped to its end', async () => {
  const names: string[] = [];
  for await (const { header, body } of readTar(cut(ARCHIVE, 700))) {
    names.push(header.name);
    for await (const _ of body) break;
  }
  expect(names).toEqual(['a', 'b', 'c']);
});

test('entries before an error are handed out, then the error', async () => {
  const names: string[] = [];
  const reading = async (): Promise<void> => {
    const bytes = Buffer.concat([ARCHIVE.subarray(0, -1024), Buffer.alloc(512, 1)]);
    for await (const { header } of readTar(streamOf(bytes))) names.push(header.name);
  };
  await expect(reading()).rejects.toMatchObject({ code: 'TAR_BAD_HEADER' });
  expect(names).toEqual(['a', 'b', 'c']);
});

test('the input is read to its end, and closed when the consumer stops before', async () => {
  let read = 0;
  const counted = async function* (): ByteStream {
    for await (const chunk of cut(Buffer.concat([ARCHIVE, Buffer.alloc(50_000)]), 1000)) {
      read += chunk.length;
      yield chunk;
    }
  };
  for await (const _ of readTar(counted())) {
  }
  expect(read).toBe(ARCHIVE.length + 50_000);
  let closed = false;
  for await (const _ of readTar(cut(ARCHIVE, 512, () => (closed = true)))) break;
  expect(closed).toBe(true);
});

test('an abort is honoured between chunks', async () => {
  const stop = new AbortController();
  const reading = async (): Promise<void> => {
    for await (const _ of readTar(cut(ARCHIVE, 512), { signal: stop.signal }))
      stop.abort(new Error('enough'));
  };
  await expect(reading()).rejects.toThrow('enough');
});

test('the pieces of a content say where its bytes are in the tar', () => {
  const header = {
    size: 10,
    sparse: [
      { offset: 2, size: 3 },
      { offset: 7, size: 1 },
      { offset: 10, size: 0 },
    ],
  };
  const pieces = contentPieces(header as unknown as TarHeader, { offset: 1024 });
  expect(pieces).toEqual([
    { at: undefined, size: 2 },
    { at: 1024, size: 3 },
    { at: undefined, size: 2 },
    { at: 1027, size: 1 },
    { at: undefined, size: 2 },
  ]);
});
