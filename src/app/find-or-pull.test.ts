import { beforeEach, describe, expect, it } from 'vitest';
import { LINUX } from '../../test/support/build.ts';
import { putImage } from '../../test/support/images.ts';
import { DobosError } from '../base/errors.ts';
import { editConfig } from '../image/edit-config.ts';
import { imageId } from '../image/image-id.ts';
import { nameImage } from '../image/name-image.ts';
import type { Image } from '../image/types.ts';
import { writeImage } from '../image/write-image.ts';
import type { Platform } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { INDEX, putJson } from '../store/contract-fixtures.ts';
import { copy } from '../store/copy.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { App } from './app.ts';
import { findOrPull, type PullPolicy } from './find-or-pull.ts';
import type { PullNotice } from './pull.ts';
import { readSettings } from './settings.ts';

const ARM64: Platform = { os: 'linux', architecture: 'arm64' };
const NAME = 'docker.io/library/app:latest';

let there: LocalStore;
let store: LocalStore;
let app: App;
let asked: string[];
let broken: Error | undefined;
let old: Image;
let fresh: Image;

beforeEach(async () => {
  there = createMemoryStore();
  store = createMemoryStore();
  asked = [];
  broken = undefined;
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
    registry: async () => ({
      repository: (registry, repository) => ({
        ...there,
        registry,
        repository,
        async *tags() {},
        async resolve(tag) {
          asked.push(`${registry}/${repository}:${tag}`);
          if (broken !== undefined) throw broken;
          return there.resolve(`${registry}/${repository}:${tag}`);
        },
      }),
      writable: () => {
        throw new Error('nothing here is pushed');
      },
    }),
    close: async () => {},
  };
  old = await putImage(there, NAME);
  await copy(there, store, old.descriptor);
  fresh = editConfig(old, (config) => config, { created_by: 'newer' });
  await writeImage(there, fresh, { name: NAME });
});

const unreachable = new DobosError('HTTP_UNREACHABLE', 'docker.io cannot be reached', { why: 'dns' });
const find = (policy: PullPolicy, text = 'app', platform?: Platform) =>
  findOrPull(app, text, { policy, platform });
const here = () => nameImage(store, NAME, old.descriptor);

describe('the policy', () => {
  it.each([
    ['always', true, 'fresh', 1],
    ['missing', true, 'old', 0],
    ['newer', true, 'fresh', 1],
    ['never', true, 'old', 0],
    ['always', false, 'fresh', 1],
    ['missing', false, 'fresh', 1],
    ['newer', false, 'fresh', 1],
  ] as const)('%s, with the image here %s, gives the %s one', async (policy, isHere, which, times) => {
    if (isHere) await here();
    const { image, name } = await find(policy);
    expect([imageId(image), name, asked.length]).toEqual([
      imageId(which === 'old' ? old : fresh),
      NAME,
      times,
    ]);
  });

  it('never fails when the image is not here, and asks nobody', async () => {
    await expect(find('never')).rejects.toMatchObject({
      code: 'IMAGE_NOT_HERE',
      message: 'there is no image "app" in the store, and it is not to be pulled (--pull never)',
    });
    expect(asked).toEqual([]);
  });

  it('newer keeps what is here when the registry cannot be asked, and says so', async () => {
    await here();
    broken = unreachable;
    const notices: PullNotice[] = [];
    const { image } = await findOrPull(app, 'app', {
      policy: 'newer',
      onEvent: (each) => notices.push(each),
    });
    expect(imageId(image)).toBe(imageId(old));
    expect(notices.at(-1)).toEqual({ kind: 'kept', name: 'app', why: 'docker.io cannot be reached' });
    await expect(find('always')).rejects.toBe(unreachable);
  });

  it('newer fetches nothing when the digest is the same', async () => {
    await here();
    await find('newer');
    const events: PullNotice[] = [];
    await findOrPull(app, 'app', { policy: 'newer', onEvent: (each) => events.push(each) });
    expect(events.at(-1)).toMatchObject({ kind: 'done', status: 'up-to-date' });
  });
});

describe('an image that is neither here nor to be had', () => {
  it('fails with both facts', async () => {
    broken = unreachable;
    await expect(find('missing')).rejects.toMatchObject({
      code: 'IMAGE_NOT_HERE',
      message: 'there is no image "app" in the store, and docker.io cannot be reached',
      hint: expect.stringContaining('dobos load'),
      cause: unreachable,
    });
  });

  it('offers names that are here', async () => {
    broken = unreachable;
    await here();
    await expect(find('missing', 'app:2')).rejects.toMatchObject({ hint: 'there is app:latest' });
  });

  it('passes on what is wrong with the image itself', async () => {
    const wrong = new DobosError('IMAGE_BROKEN', 'broken', {});
    broken = wrong;
    await expect(find('missing')).rejects.toBe(wrong);
  });
});

describe('ids and layers below the top', () => {
  it.each(['always', 'missing', 'newer', 'never'] as const)('are never pulled by %s', async (policy) => {
    await here();
    for (const text of [imageId(old).slice(7, 19), imageId(old), 'app~1'])
      expect((await find(policy, text)).image.config.os).toBe('linux');
    expect(asked).toEqual([]);
    await expect(find(policy, 'sha256:'.padEnd(71, 'a'))).rejects.toMatchObject({ code: 'IMAGE_UNKNOWN' });
    await expect(find(policy, 'gone~1')).rejects.toMatchObject({ code: 'IMAGE_UNKNOWN' });
    expect(asked).toEqual([]);
  });
});

describe('the platform', () => {
  beforeEach(async () => {
    const arm = editConfig(old, (config) => ({ ...config, ...ARM64 }), { created_by: 'arm' });
    await writeImage(there, arm);
    const manifests = [
      { ...fresh.descriptor, platform: LINUX },
      { ...arm.descriptor, platform: ARM64 },
    ];
    const index = await putJson(there, INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });
    await there.tag(NAME, index);
  });

  it('is pulled when another one is here only', async () => {
    await find('missing');
    expect((await find('missing', 'app', ARM64)).image.config.architecture).toBe('arm64');
    expect((await find('missing')).image.config.architecture).toBe('amd64');
    expect((await find('never', 'app', ARM64)).image.config.architecture).toBe('arm64');
    expect(asked.length).toBe(2);
  });

  it('that is not here is told', async () => {
    await find('missing');
    await expect(find('never', 'app', ARM64)).rejects.toMatchObject({
      message:
        'there is no image "app" for linux/arm64 in the store, and it is not to be pulled (--pull never)',
    });
    broken = unreachable;
    await expect(find('missing', 'app', ARM64)).rejects.toMatchObject({
      message: 'there is no image "app" for linux/arm64 in the store, and docker.io cannot be reached',
    });
  });

  it('of an image without an index: pulled if it is another, and taken as it is if that fails', async () => {
    await here();
    expect((await find('missing', 'app', ARM64)).image.config.architecture).toBe('arm64');
    await here();
    broken = unreachable;
    expect((await find('missing', 'app', ARM64)).image.config.architecture).toBe('amd64');
  });
});

describe('several at once', () => {
  it('are pulled once each, one after the other', async () => {
    await nameImage(there, 'docker.io/library/other:latest', old.descriptor);
    const events: string[] = [];
    const onEvent = (notice: PullNotice) => {
      if (notice.kind === 'begun' || notice.kind === 'done') events.push(`${notice.kind} ${notice.name}`);
    };
    await Promise.all(
      ['app', 'docker://app:latest', 'other', 'docker.io/app'].map((text) =>
        findOrPull(app, text, { onEvent }),
      ),
    );
    expect(events).toEqual(
      ['app', 'other'].flatMap((name) => [
        `begun docker.io/library/${name}:latest`,
        `done docker.io/library/${name}:latest`,
      ]),
    );
  });
});
