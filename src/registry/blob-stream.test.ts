import { describe, expect, it } from 'vitest';
import { type ScriptedAnswer, type ScriptedRequest, scriptedHttp } from '../../test/support/scripted-http.ts';
import { type ByteStream, collect, sha256 } from '../base/bytes.ts';
import type { Descriptor } from '../oci/types.ts';
import { expectCode } from '../store/contract-fixtures.ts';
import { createRegistry } from './registry.ts';
import type { RegistryEvent } from './types.ts';

const MiB = 1024 * 1024;
const BYTES = Buffer.alloc(3 * MiB + 12_345);
for (let i = 0; i < BYTES.length; i++) BYTES[i] = (i * 31 + (i >> 8)) & 255;
const BLOB: Descriptor = { mediaType: 'application/octet-stream', digest: sha256(BYTES), size: BYTES.length };

/** `bytes` in pieces, broken off after `cut` of them. */
async function* broken(bytes: Uint8Array, cut: number): ByteStream {
  for (let at = 0; at < Math.min(cut, bytes.length); at += 65_536) {
    yield bytes.subarray(at, Math.min(at + 65_536, cut));
  }
  if (cut < bytes.length) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
}

const startOf = ({ headers }: ScriptedRequest) => Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);

/** What a good server answers, broken off after `cut` bytes. */
function good(request: ScriptedRequest, cut = Number.POSITIVE_INFINITY, bytes = BYTES): ScriptedAnswer {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (match === null) return { headers: { 'content-length': `${bytes.length}` }, body: broken(bytes, cut) };
  const start = Number(match[1]);
  const end = match[2] ? Number(match[2]) + 1 : bytes.length;
  return {
    status: 206,
    headers: {
      'content-length': `${end - start}`,
      'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
    },
    body: broken(bytes.subarray(start, end), cut),
  };
}

function served(answer: (request: ScriptedRequest, n: number) => ScriptedAnswer) {
  let n = 0;
  const { http, requests, waits, clock } = scriptedHttp((request) => answer(request, ++n));
  const events: RegistryEvent[] = [];
  const registry = createRegistry({
    http,
    clock,
    credentials: { find: async () => ({}) },
    endpoints: { find: async (host, repository) => [{ base: `https://${host}`, repository, mirror: false }] },
    onEvent: (event) => events.push(event),
  });
  const repository = registry.repository('registry.example.org', 'app');
  return {
    repository,
    requests,
    waits,
    events,
    traffic: registry.traffic,
    read: () => collect(repository.open(BLOB), BYTES.length),
    part: (offset: number, size: number) =>
      collect(repository.open(BLOB, { range: { offset, size } }), BYTES.length),
  };
}

const ranges = (requests: readonly ScriptedRequest[]) => requests.map(({ headers }) => headers.range);

describe('reading a blob', () => {
  it('gives it by one request', async () => {
    const { read, requests, traffic } = served((request) => good(request));
    expect((await read()).equals(BYTES)).toBe(true);
    expect(requests.map(({ url, headers }) => [url.pathname, headers.range])).toEqual([
      [`/v2/app/blobs/${BLOB.digest}`, undefined],
    ]);
    expect(traffic()).toEqual({ requests: 1, bodyBytes: BYTES.length, resumed: [] });
  });

  it('goes on where the connection broke', async () => {
    const { read, requests, events, traffic } = served((request, n) =>
      good(request, n === 1 ? 2_000_000 : undefined),
    );
    expect((await read()).equals(BYTES)).toBe(true);
    expect(ranges(requests)).toEqual([undefined, 'bytes=2000000-']);
    expect(events).toEqual([
      { kind: 'resumed', digest: BLOB.digest, offset: 2_000_000, why: expect.stringContaining('broke off') },
    ]);
    expect(traffic()).toEqual({ requests: 2, bodyBytes: BYTES.length, resumed: [BLOB.digest] });
  });

  it('goes on any number of times while each connection brings a MiB', async () => {
    const { read, requests } = served((request) => good(request, MiB));
    expect((await read()).equals(BYTES)).toBe(true);
    expect(requests).toHaveLength(4);
  });

  it('gives up after five connections in a row that bring little, waiting longer each time', async () => {
    const { read, requests, waits } = served((request) => good(request, 100));
    await expect(read()).rejects.toMatchObject({ code: 'REGISTRY_CUT', facts: { done: 600, tries: 6 } });
    expect(requests).toHaveLength(6);
    expect([...waits].sort((a, b) => a - b)).toEqual(waits);
    expect(waits).toHaveLength(5);
  });

  it('takes an answer that ends early for a broken one', async () => {
    const { read, requests } = served((request, n) => {
      const { headers, ...rest } = good(request);
      const { 'content-length': _, ...others } = headers as Record<string, string>;
      return n > 1
        ? { headers: others, ...rest }
        : { headers: others, body: broken(BYTES.subarray(0, 50_000), 50_000) };
    });
    expect((await read()).equals(BYTES)).toBe(true);
    expect(ranges(requests)).toEqual([undefined, 'bytes=50000-']);
  });

  it('does not mind a connection that breaks after the last byte', async () => {
    const { read, requests } = served((request) => {
      const { headers, body, ...rest } = good(request);
      async function* late(): ByteStream {
        yield* body as ByteStream;
        throw new Error('reset');
      }
      return { ...rest, headers: {}, body: late() };
    });
    expect((await read()).equals(BYTES)).toBe(true);
    expect(requests).toHaveLength(1);
  });

  it('waits for a registry that is overloaded in the middle', async () => {
    const { read, requests } = served((request, n) => {
      if (n === 1) return good(request, 2_000_000);
      return n < 9 ? { status: 503 } : good(request);
    });
    expect((await read()).equals(BYTES)).toBe(true);
    expect(requests.length).toBe(9);
  });

  it('reads on from the start where ranges are not known, and drops what it has', async () => {
    const { read, requests, traffic } = served(({ headers: { range: _, ...headers }, ...request }, n) =>
      good({ ...request, headers }, n === 1 ? 2_000_000 : undefined),
    );
    expect((await read()).equals(BYTES)).toBe(true);
    expect(requests).toHaveLength(2);
    expect(traffic().bodyBytes).toBe(BYTES.length + 2_000_000);
  });

  it('ends where ranges are not known and every connection breaks', async () => {
    const { read, requests } = served(({ headers: { range: _, ...headers }, ...request }, n) =>
      good({ ...request, headers }, n * 200_000),
    );
    await expectCode(read(), 'REGISTRY_CUT');
    expect(requests.length).toBeLessThan(8);
  });

  it('does not start over for ever where ranges are not known, however far each connection gets', async () => {
    const bytes = Buffer.alloc(10 * MiB);
    const { repository, requests } = served(({ headers: { range: _, ...headers }, ...request }, n) =>
      good({ ...request, headers }, n * MiB, bytes),
    );
    const wanted = { ...BLOB, digest: sha256(bytes), size: bytes.length };
    await expectCode(collect(repository.open(wanted), bytes.length), 'REGISTRY_RANGE');
    expect(requests).toHaveLength(7);
  });

  it.each<[string, (request: ScriptedRequest) => ScriptedAnswer, string]>([
    ['another length', () => ({ headers: { 'content-length': '5' }, body: 'hello' }), 'REGISTRY_SIZE'],
    ['a part that was not asked for', (r) => ({ ...good(r), status: 206 }), 'REGISTRY_RANGE'],
    [
      'more than it has, without a length',
      () => ({ body: broken(Buffer.concat([BYTES, BYTES]), 2 * BYTES.length) }),
      'REGISTRY_SIZE',
    ],
    ['other bytes', (r) => good(r, undefined, Buffer.alloc(BYTES.length)), 'BYTES_MISMATCH'],
    ['a status that is none of success', () => ({ status: 204 }), 'REGISTRY_STATUS'],
    ['nothing', () => ({ status: 404, body: '{"errors":[{"code":"BLOB_UNKNOWN"}]}' }), 'REGISTRY_NOT_FOUND'],
    ['packed bytes', (r) => ({ ...good(r), headers: { 'content-encoding': 'gzip' } }), 'HTTP_ENCODING'],
  ])('refuses an answer with %s', async (_, answer, code) => {
    const { read, requests } = served(answer);
    await expectCode(read(), code);
    expect(requests).toHaveLength(1);
  });

  it.each<[string, Record<string, string>]>([
    ['another start', { 'content-range': `bytes 0-${BYTES.length - 1}/${BYTES.length}` }],
    ['another total', { 'content-range': 'bytes 2000000-2000009/2000010' }],
    ['an end before its start', { 'content-range': 'bytes 2000000-5/*' }],
    ['an end past the blob', { 'content-range': `bytes 2000000-${BYTES.length}/*` }],
    ['no place', {}],
    ['an unreadable place', { 'content-range': 'lines 1-2/3' }],
  ])('refuses to go on with a part that says %s', async (_, headers) => {
    const { read } = served((request, n) =>
      n === 1 ? good(request, 2_000_000) : { status: 206, headers, body: 'x' },
    );
    await expect(read()).rejects.toMatchObject({ code: expect.stringMatching(/^REGISTRY_(?:RANGE|SIZE)$/) });
  });

  it('takes a part whose total is not known', async () => {
    const { read } = served((request, n) => {
      const answer = good(request, n === 1 ? 2_000_000 : undefined);
      const range = `bytes ${startOf(request)}-${BYTES.length - 1}/*`;
      return n === 1 ? answer : { ...answer, headers: { 'content-range': range } };
    });
    expect((await read()).equals(BYTES)).toBe(true);
  });

  it('says so when the blob became shorter meanwhile', async () => {
    const { read } = served((request, n) =>
      n === 1 ? good(request, 2_000_000) : { status: 416, headers: { 'content-range': 'bytes */1000' } },
    );
    await expectCode(read(), 'REGISTRY_SIZE');
  });

  it('reads a part, and nothing past the end', async () => {
    const { part, requests } = served((request) => good(request));
    expect((await part(2_000_000, 1000)).equals(BYTES.subarray(2_000_000, 2_001_000))).toBe(true);
    expect((await part(BYTES.length - 5, 1000)).equals(BYTES.subarray(-5))).toBe(true);
    expect((await part(BYTES.length, 1000)).length).toBe(0);
    expect((await part(BYTES.length + 5, 1000)).length).toBe(0);
    expect(ranges(requests)).toEqual(['bytes=2000000-2000999', `bytes=${BYTES.length - 5}-`]);
  });

  it('cuts a part out where ranges are not known', async () => {
    const { part } = served(({ headers: { range: _, ...headers }, ...request }) =>
      good({ ...request, headers }),
    );
    expect((await part(2_000_000, 1000)).equals(BYTES.subarray(2_000_000, 2_001_000))).toBe(true);
  });

  it('does not read hundreds of megabytes for a part where ranges are not known', async () => {
    const huge = { ...BLOB, size: 500 * MiB };
    const { repository } = served(() => ({ body: 'x' }));
    await expectCode(
      collect(repository.open(huge, { range: { offset: 400 * MiB, size: 10 } }), 10),
      'REGISTRY_RANGE',
    );
  });

  it('stops when told to, also while it waits', async () => {
    const control = new AbortController();
    const { repository, requests } = served((request) => good(request, 100));
    const reading = async () => {
      for await (const _ of repository.open(BLOB, { signal: control.signal }))
        control.abort(new Error('enough'));
    };
    await expect(reading()).rejects.toThrow('enough');
    expect(requests).toHaveLength(1);
  });

  it.each(['sha256:../../../../etc/passwd', `sha256:${'A'.repeat(64)}`, 'md5:00', ''])(
    'refuses the digest %j before it stands in an address',
    async (digest) => {
      const { repository, requests } = served(() => ({}));
      const wanted = { ...BLOB, digest: digest as Descriptor['digest'] };
      await expectCode(collect(repository.open(wanted), 10), 'OCI_DIGEST_INVALID');
      await expectCode(repository.has(wanted), 'OCI_DIGEST_INVALID');
      expect(requests).toEqual([]);
    },
  );
});
