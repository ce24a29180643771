import { describe, expect, it } from 'vitest';
import { fakeTerminal, screenOf } from '../../../test/support/fake-terminal.ts';
import type { PushNotice } from '../../app/push.ts';
import { sha256 } from '../../base/bytes.ts';
import { createPaint } from '../colour.ts';
import { createPushLines } from './push-lines.ts';
import { createPushRows } from './push-rows.ts';
import { createPushView } from './push-view.ts';

const NAME = 'docker.io/library/app:1';
const SIZE = 45_600_000;
const diffId = (at: number) => sha256(`layer ${at}`);
const id = (at: number): string => diffId(at).slice(7, 19);
type LayerNotice = Extract<PushNotice, { kind: 'layer' }>;
const step = (at: number, state: LayerNotice['state'], done = 0, from?: string): PushNotice => ({
  ...{ kind: 'layer', name: NAME, layer: { diffId: diffId(at) }, state, done, size: SIZE },
  ...(from !== undefined && { from }),
});
const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: sha256('m'), size: 559 };
const begun: readonly PushNotice[] = [
  { kind: 'begun', repository: 'docker.io/library/app' },
  { kind: 'layers', name: NAME, layers: [1, 2, 3].map((at) => ({ diffId: diffId(at) })) },
  ...[1, 2, 3].map((at) => step(at, 'preparing')),
];
const done: PushNotice = { kind: 'done', name: NAME, tag: '1', target };

describe('a push without a terminal', () => {
  it('is told in the lines that docker prints', () => {
    let text = '';
    const show = createPushLines((part) => {
      text += part;
    });
    const moves = [step(3, 'present'), step(2, 'started'), step(2, 'moved', 5), step(2, 'pushed', SIZE)];
    for (const notice of [...begun, ...moves, step(1, 'mounted', SIZE, 'library/debian'), done]) show(notice);
    expect(text.trim().split('\n')).toEqual([
      'The push refers to repository [docker.io/library/app]',
      ...[1, 2, 3].map((at) => `${id(at)}: Preparing`),
      `${id(3)}: Layer already exists`,
      `${id(2)}: Pushed`,
      `${id(1)}: Mounted from library/debian`,
      `1: digest: ${target.digest} size: 559`,
    ]);
  });

  it('says of an index that is here in part what goes, and what the registry says', () => {
    let text = '';
    const show = createPushLines((part) => {
      text += part;
    });
    show({ kind: 'layers', name: NAME, layers: [], alone: 'linux/amd64' });
    show({ kind: 'warning', host: 'example.org', text: 'old\u001b[31m\nserver' });
    show({ kind: 'resumed', digest: target.digest, offset: 7, why: 'connection reset' });
    expect(text).not.toContain('\u001b');
    expect(text.split('\n')).toHaveLength(3);
    expect(text).toContain('only linux/amd64 is in the store');
  });
});

describe('a push on a terminal', () => {
  it('has a bar for each layer that goes, and its lines stay when it is over', () => {
    const rows = createPushRows(createPaint(false));
    for (const notice of [...begun, step(2, 'moved', SIZE / 2), step(1, 'packing')]) rows.show(notice);
    const half = rows.frame(80, 24);
    expect(half.settled).toBe('The push refers to repository [docker.io/library/app]\n');
    expect(half.lines).toEqual([
      `${id(1)}: Compressing`,
      expect.stringMatching(new RegExp(`^${id(2)}: Pushing \\[=+> +\\]\\s+22\\.8MB/45\\.6MB$`)),
      `${id(3)}: Preparing`,
    ]);
    rows.show(done);
    const over = rows.frame(80, 24);
    expect(over.lines).toEqual([]);
    expect(over.settled).toContain(`${id(3)}: Preparing\n1: digest: `);
  });

  it('leaves all its lines in place when it ends early', async () => {
    const terminal = fakeTerminal({ errIsTty: true });
    const view = await createPushView(terminal, 'err');
    for (const notice of [...begun, step(2, 'moved', SIZE / 2)]) view.show(notice);
    view.end();
    expect(screenOf(terminal.stderr())).toHaveLength(4);
  });
});
