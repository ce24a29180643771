import { writeFileSync } from 'node:fs';
import { randomBytes } from '../base/random.ts';
import { theirMode } from '../base/umask.ts';
import { type ContainerRecords, openContainerRecords } from '../containers/container-records.ts';
import { findContainer } from '../containers/find-container.ts';
import { CONTAINER_ROOT } from '../containers/remove-container.ts';
import type { RestartPolicy } from '../containers/restart-policy.ts';
import type { RunTools } from '../containers/run-container.ts';
import type { Container, ContainerNetwork } from '../containers/types.ts';
import { type NewVolume, openVolumes } from '../containers/volumes.ts';
import type { FoundImage } from '../image/find-image.ts';
import { imageId } from '../image/image-id.ts';
import { writeImage } from '../image/write-image.ts';
import type { ContainerConfig, Descriptor } from '../oci/types.ts';
import type { Process, ResourceLimits } from '../runtime/types.ts';
import type { App } from './app.ts';

/** What the verbs of containers work with. */
export interface ContainerTools extends RunTools {
  readonly storeFolder: string;
}

/** The containers of the app's store; nothing is opened before it is asked for. */
export async function openContainers(app: App, runtime?: string): Promise<ContainerTools> {
  const { roots } = await app.store();
  const { storeFolder, now, uid } = app.settings;
  const records = openContainerRecords(storeFolder, { now, random: Math.random });
  const volumes = openVolumes(storeFolder, { now });
  return { records, roots, volumes, keeper: () => app.keeper(runtime), now, isRoot: uid === 0, storeFolder };
}

/** The container that a person means, as it is now. @throws CONTAINER_UNKNOWN, CONTAINER_AMBIGUOUS */
export const lookUpContainer = async (records: ContainerRecords, text: string): Promise<Container> =>
  findContainer(await records.list(), text);

export interface ContainerRequest {
  /** As the person wrote the image. */
  readonly imageName: string;
  readonly name?: string | undefined;
  readonly config: ContainerConfig;
  readonly process: Omit<Process, 'hostname'> & { readonly hostname?: string | undefined };
  /** `of` may be a name still. */
  readonly network?: ContainerNetwork | undefined;
  readonly interactive: boolean;
  readonly autoRemove: boolean;
  readonly restart?: RestartPolicy | undefined;
  readonly runtime?: string | undefined;
  /** To be made when the container is there. */
  readonly volumes?: readonly NewVolume[] | undefined;
  readonly resources?: Omit<ResourceLimits, 'cgroup'> | undefined;
  /** Gets the id; made. */
  readonly cidFile?: string | undefined;
}

/** A new container of an image, which stays as long as the container does; one that removes itself leaves the image alone, it is not there for long. @throws CONTAINER_NAME, CONTAINER_NAME_TAKEN */
export async function createContainer(
  app: App,
  { image, name: foundName, target }: FoundImage,
  o: ContainerRequest,
): Promise<Container> {
  const store = await app.store();
  const { records, volumes } = await openContainers(app);
  const id = randomBytes(32).toString('hex');
  const { autoRemove, restart, interactive, config, runtime } = o;
  const network =
    o.network?.mode === 'container'
      ? { ...o.network, of: (await lookUpContainer(records, o.network.of)).id }
      : o.network;
  const lease = await store.lease();
  try {
    // `NAME~N` and a row of a history may be no image of the store yet.
    await writeImage(store, image);
    const container = await records.create({
      id,
      name: o.name,
      createdAt: app.settings.now(),
      image: {
        name: o.imageName,
        found: foundName === undefined ? undefined : { name: foundName, target: target.digest },
        id: imageId(image),
        manifest: plain(image.descriptor),
        layers: image.layers.map(({ blob, diffId }) => ({ blob, diffId })),
      },
      process: {
        ...o.process,
        hostname: o.process.hostname ?? id.slice(0, HOSTNAME_DIGITS),
        ...(o.resources !== undefined && { resources: { ...o.resources, cgroup: id } }),
      },
      network,
      config,
      interactive,
      autoRemove,
      restart,
      runtime,
      state: { kind: 'created' },
    });
    // After the container, as it goes before it: whoever is killed between leaves no image that nobody can remove. Until here the lease keeps it.
    if (!autoRemove) {
      await store.roots.put({ kind: CONTAINER_ROOT, id, targets: [plain(image.descriptor)] });
      if (records.get(id) === undefined) await store.roots.remove(CONTAINER_ROOT, id);
    }
    // After what names them is there: nobody can remove them in between.
    if (o.volumes !== undefined && o.volumes.length > 0) await volumes.ensure(o.volumes);
    if (o.cidFile !== undefined) writeFileSync(o.cidFile, id, { flag: 'wx', mode: theirMode(0o666) });
    return container;
  } catch (error) {
    await records.remove(id).catch(() => {});
    if (!autoRemove) await store.roots.remove(CONTAINER_ROOT, id);
    throw error;
  } finally {
    await lease.release();
  }
}

/** Of the id, as docker has it. */
const HOSTNAME_DIGITS = 12;

const plain = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size });
