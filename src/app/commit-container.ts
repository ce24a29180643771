import type { CallOptions } from '../base/options.ts';
import { STEP_IMAGES } from '../build/step-images.ts';
import { commitContainer } from '../containers/commit-container.ts';
import { imageId } from '../image/image-id.ts';
import { keepUntagged, nameImage } from '../image/name-image.ts';
import type { Image } from '../image/types.ts';
import { digestHex } from '../oci/digest.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { configOfChanges } from './archives.ts';
import { lookUpContainer, openContainers } from './containers.ts';
import { fullName } from './image-names.ts';

export interface CommitOptions extends CallOptions {
  readonly container: string;
  /** Without one the image stays as `<none>`. */
  readonly name?: string | undefined;
  /** Dockerfile instructions that change the config. */
  readonly changes: readonly string[];
  readonly message?: string | undefined;
  readonly author?: string | undefined;
}

/** Makes an image of a container, whether it runs or not; `changed` is false if it holds no file that its image does not have. @throws CONTAINER_UNKNOWN, DOCKERFILE_…, PLAN_…, OCI_REFERENCE_INVALID */
export async function commitToImage(
  app: App,
  o: CommitOptions,
): Promise<{ readonly id: Digest; readonly changed: boolean }> {
  const name = o.name === undefined ? undefined : fullName(o.name);
  const tools = await openContainers(app);
  const container = await lookUpContainer(tools.records, o.container);
  const config = configOfChanges(app, o.changes, container.config);
  const store = await app.store();
  const epoch = app.settings.epoch();
  const lease = await store.lease();
  try {
    const { image, base, changed } = await commitContainer({ ...tools, store }, container, {
      config,
      message: o.message,
      author: o.author,
      createdAt: epoch === undefined ? app.settings.now() : epoch * 1000,
      epoch,
      platform: app.settings.hostPlatform,
      signal: o.signal,
    });
    await keepBase(store, image, base);
    if (name === undefined) await keepUntagged(store, image.descriptor);
    else await nameImage(store, name, image.descriptor);
    return { id: imageId(image), changed };
  } finally {
    await lease.release();
  }
}

/** As long as the image is there, the images that it came from are: rows of its history have their ids. As with the steps of a build. */
async function keepBase(store: LocalStore, image: Image, base: Image): Promise<void> {
  const earlier = await store.roots.get(STEP_IMAGES, digestHex(base.descriptor.digest));
  const targets: Descriptor[] = [...(earlier?.targets ?? []), base.descriptor];
  const { digest } = image.descriptor;
  await store.roots.put({ kind: STEP_IMAGES, id: digestHex(digest), targets, onlyWith: digest });
}
