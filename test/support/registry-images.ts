import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { sha256, streamOf } from '../../src/base/bytes.ts';
import { appendLayer } from '../../src/image/edit-config.ts';
import { importRootfs } from '../../src/image/import-rootfs.ts';
import type { Image } from '../../src/image/types.ts';
import { writeImage } from '../../src/image/write-image.ts';
import { type DOCKER_LIST, OCI_INDEX } from '../../src/oci/media-types.ts';
import type { Descriptor, Platform } from '../../src/oci/types.ts';
import type { LocalStore } from '../../src/store/contract.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { busyboxRoot } from './built-command.ts';
import { putLayer } from './images.ts';

export const AMD64 = { os: 'linux', architecture: 'amd64' } as const;
export const ARM64 = { os: 'linux', architecture: 'arm64', variant: 'v8' } as const;

/** Images that run where busybox does, in a layout whose names are tags; each says its own greeting. */
export interface RegistryImages {
  readonly folder: string;
  readonly store: LocalStore;
  /** `app` and `other` share the layer of busybox; `app-arm64` says to be of the other platform. */
  readonly app: Image;
  /** Copies to a registry by skopeo; `app-zstd` is there too, packed by it. */
  push(from: string, to: string, ...options: readonly string[]): void;
}

export async function makeRegistryImages(folder: string): Promise<RegistryImages> {
  const layout = join(folder, 'layout');
  const store = createDirectoryStore(layout);
  const image = async (platform: Platform, greeting: string): Promise<Image> => {
    const config = { Env: ['PATH=/bin'], Cmd: ['cat', '/greeting'] };
    const base = await importRootfs(store, streamOf(busyboxRoot()), { platform, config });
    const layer = await putLayer(store, { greeting: `${greeting}\n` });
    const made = appendLayer(base, layer, { created_by: `echo ${greeting}` });
    await writeImage(store, made, { name: greeting });
    return made;
  };
  const app = await image(AMD64, 'app');
  await image(AMD64, 'other');
  const arm = await image(ARM64, 'app-arm64');
  const index = await putIndex(store, OCI_INDEX, [
    { ...app.descriptor, platform: AMD64 },
    { ...arm.descriptor, platform: ARM64 },
  ]);
  await store.tag('index', index);
  await store.tag('arm-only', await putIndex(store, OCI_INDEX, [{ ...arm.descriptor, platform: ARM64 }]));
  const skopeo = (...args: readonly string[]): void => {
    execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };
  // By way of a layout: skopeo remembers which blobs a registry has and takes those of another packing.
  const zstd = join(folder, 'zstd');
  skopeo('--dest-compress-format', 'zstd', `oci:${layout}:app`, `oci:${zstd}:app-zstd`);
  return {
    ...{ folder: layout, store, app },
    push: (from, to, ...options) => {
      const source = `oci:${from === 'app-zstd' ? zstd : layout}:${from}`;
      skopeo('--dest-tls-verify=false', ...options, source, `docker://${to}`);
    },
  };
}

/** Stores an index of these. */
export async function putIndex(
  store: LocalStore,
  mediaType: typeof OCI_INDEX | typeof DOCKER_LIST,
  manifests: readonly Descriptor[],
): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  const blob = { mediaType, digest: sha256(bytes), size: bytes.length };
  await store.put(blob, streamOf(bytes));
  return blob;
}

/** What skopeo finds under a tag: the digest that it makes of what came, and the manifest's bytes. */
export function inspect(
  name: string,
  ...options: readonly string[]
): { readonly digest: string; readonly raw: Buffer } {
  const ask = (...more: readonly string[]): Buffer =>
    execFileSync('skopeo', ['inspect', '--tls-verify=false', ...options, ...more, `docker://${name}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const raw = ask('--raw');
  return { digest: sha256(raw), raw };
}

/** Puts an index above what is there, which skopeo 1.9 copies no deeper than once. */
export async function putNestedIndex(
  host: string,
  repository: string,
  tag: string,
  inner: string,
): Promise<void> {
  const { digest, raw } = inspect(`${host}/${repository}:${inner}`);
  const { mediaType } = JSON.parse(raw.toString('utf8')) as { mediaType: string };
  const manifests = [{ mediaType, digest, size: raw.length }];
  const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
    ...{ method: 'PUT', body },
    headers: { 'content-type': OCI_INDEX },
  });
  if (answer.status !== 201)
    throw new Error(`PUT of the nested index: ${answer.status} ${await answer.text()}`);
}
