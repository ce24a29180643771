import { describe, expect, it } from 'vitest';
import type { RegistryNotice } from '../app/open-registry.ts';
import { formatNotice } from './registry-notice.ts';

describe('a notice of a registry', () => {
  it.each([
    [
      {
        kind: 'retry',
        url: 'https://r.example/v2/a/blobs/x?sig=1',
        attempt: 1,
        waitMs: 1234,
        why: '429 Too Many Requests',
      },
      'dobos: r.example: 429 Too Many Requests, trying again in 1.2 s',
    ],
    [
      { kind: 'retry', url: 'https://r.example/', attempt: 1, waitMs: 0, why: 'connection reset' },
      'dobos: r.example: connection reset, trying again in 0.1 s',
    ],
    [{ kind: 'warning', host: 'r.example', text: 'old\u001b[2J news' }, 'dobos: r.example warns: old news'],
    [{ kind: 'mirror-failed', mirror: 'm.example', why: 'gone' }, 'dobos: mirror m.example left out: gone'],
    [
      { kind: 'resumed', digest: `sha256:${'0123456789ab'.repeat(6).slice(0, 64)}`, offset: 7, why: 'cut' },
      'dobos: 0123456789ab: cut, going on at 7 bytes',
    ],
  ] as const)('is one line (%#)', (notice, line) =>
    expect(formatNotice(notice as RegistryNotice)).toBe(`${line}\n`),
  );
});
