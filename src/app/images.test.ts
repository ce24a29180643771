import { beforeEach, describe, expect, it } from 'vitest';
import { LINUX } from '../../test/support/build.ts';
import { putImage } from '../../test/support/images.ts';
import { streamOf } from '../base/bytes.ts';
import { editConfig } from '../image/edit-config.ts';
import { imageId } from '../image/image-id.ts';
import { nameImage } from '../image/name-image.ts';
import type { Image } from '../image/types.ts';
import { writeImage } from '../image/write-image.ts';
import type { LocalStore } from '../store/contract.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { App } from './app.ts';
import { findImage } from './find-image.ts';
import { readHistory } from './history.ts';
import { listImageRows } from './images.ts';
import { inspectImage } from './inspect.ts';
import { pruneImages } from './prune.ts';
import { removeImage } from './remove-image.ts';
import { readSettings } from './settings.ts';

const APP = 'docker.io/library/app:latest';
let store: LocalStore;
let app: App;
let image: Image;

beforeEach(async () => {
  store = createMemoryStore();
  const settings = readSettings({ env: {}, uid: 0, home: '/', arch: 'x64', platform: 'linux', now: () => 0 });
  app = {
    settings: { ...settings, hostPlatform: LINUX },
    version: '0',
    store: async () => store,
    keeper: async () => {
      throw new Error('nothing here needs a keeper');
    },
    http: async () => {
      throw new Error('nothing here needs the web');
    },
    registry: async () => {
      throw new Error('nothing here needs a registry');
    },
    close: async () => {},
  };
  image = await putImage(store, APP);
});

/** An image on top of the first one: one row more. */
async function putChild(name: string): Promise<Image> {
  const child = editConfig(image, (config) => config, { created_by: 'CMD child' });
  await writeImage(store, child, { name });
  return child;
}

describe('names and ids of images', () => {
  it('are told by images, one row a name, newest first', async () => {
    await nameImage(store, 'docker.io/library/app:2', image.descriptor);
    const rows = await listImageRows(app, { all: false });
    expect(rows.map(({ repository, tag }) => `${repository}:${tag}`)).toEqual(['app:2', 'app:latest']);
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set([imageId(image)]));
    expect(rows[0]!.size).toBe('hello\n'.length + 'second'.length);
    expect(await listImageRows(app, { all: false, repository: 'app:2' })).toHaveLength(1);
    expect(await listImageRows(app, { all: false, repository: 'ap' })).toHaveLength(0);
  });

  it.each([
    [['reference=app'], 2],
    [['reference=app:2'], 1],
    [['reference=a*:latest', 'reference=*:2'], 2],
    [['reference=a*', 'dangling=true'], 0],
    [['dangling=false'], 2],
    [['label=of'], 0],
    [['before=app'], 0],
    [['since=app'], 0],
    [['until=2100-01-01'], 2],
    [['until=1971-01-01T00:00:00Z', 'until=2100-01-01'], 0],
  ])('are chosen by the filters %j', async (filters, count) => {
    await nameImage(store, 'docker.io/library/app:2', image.descriptor);
    const day = { ...app, settings: { ...app.settings, now: () => Date.UTC(2026, 1) } };
    expect(await listImageRows(day, { all: false, filters })).toHaveLength(count);
  });

  it('tell of a broken image beside the others', async () => {
    const { mediaType } = image.descriptor;
    const target = await store.ingest(streamOf(Buffer.from('no manifest')), mediaType);
    await store.tag('docker.io/library/broken:1', target);
    const broken: string[] = [];
    const rows = await listImageRows(app, { all: false, onBroken: ({ names }) => broken.push(...names) });
    expect([rows.length, broken]).toEqual([1, ['docker.io/library/broken:1']]);
  });

  it('of every row of a history lead to an image cut there', async () => {
    const rows = await readHistory(app, 'app');
    expect(rows.map(({ createdBy, size }) => [createdBy, size])).toEqual([
      ['two', 6],
      ['CMD', 0],
      ['one', 6],
    ]);
    expect(rows[0]!.id).toBe(imageId(image));
    const below = await findImage(app, rows[1]!.id);
    expect([imageId(below), below.layers.length]).toEqual([rows[1]!.id, 1]);
    expect((await inspectImage(app, rows[2]!.id.slice(7, 19))).Id).toBe(rows[2]!.id);
  });

  it('of a base are its own in the history of what was built on it, while it has a name', async () => {
    await putChild('docker.io/library/child:1');
    const rows = await readHistory(app, 'child:1');
    expect(rows[1]!.id).toBe(imageId(image));
    expect(rows.slice(2).map(({ id }) => id)).toEqual(
      (await readHistory(app, 'app')).slice(1).map(({ id }) => id),
    );
  });

  it('are not found by too few digits of a row', async () => {
    const [, second] = await readHistory(app, 'app');
    await expect(findImage(app, second!.id.slice(7, 10))).rejects.toMatchObject({ code: 'IMAGE_UNKNOWN' });
  });
});

describe('removing', () => {
  it('takes one name, and the image with its last', async () => {
    await nameImage(store, 'docker.io/library/app:2', image.descriptor);
    expect(await removeImage(app, 'app:2', { force: false })).toEqual({
      untagged: ['app:2'],
      deleted: undefined,
    });
    expect(await removeImage(app, 'app', { force: false })).toEqual({
      untagged: ['app:latest'],
      deleted: imageId(image),
    });
    await expect(removeImage(app, 'app', { force: false })).rejects.toMatchObject({ code: 'IMAGE_UNKNOWN' });
  });

  it('of an id with several names asks for --force', async () => {
    await nameImage(store, 'docker.io/library/app:2', image.descriptor);
    const id = imageId(image);
    await expect(removeImage(app, id, { force: false })).rejects.toMatchObject({
      code: 'REMOVE_SEVERAL_NAMES',
    });
    expect((await removeImage(app, id, { force: true })).untagged).toEqual(['app:2', 'app:latest']);
  });

  it('prunes what lost its name, by its id, and nothing else', async () => {
    await putImage(store, undefined, 'newer').then((newer) => nameImage(store, APP, newer.descriptor));
    expect(
      (await listImageRows(app, { all: false, filters: ['dangling=true'] })).map(({ id }) => id),
    ).toEqual([imageId(image)]);
    const { removed, bytes } = await pruneImages(app);
    expect(removed).toEqual([imageId(image)]);
    expect(bytes).toBeGreaterThan(0);
    expect(await listImageRows(app, { all: false })).toHaveLength(1);
  });
});
