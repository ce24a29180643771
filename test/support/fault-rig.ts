import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { sha256, streamOf } from '../../src/base/bytes.ts';
import { appendLayer } from '../../src/image/edit-config.ts';
import { scratchImage } from '../../src/image/scratch-image.ts';
import { writeImage } from '../../src/image/write-image.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import { OCI_LAYER_TAR } from '../../src/oci/media-types.ts';
import type { Digest } from '../../src/oci/types.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { type DockerRegistry, startDockerRegistry } from './docker-registry.ts';
import { type Fault, type FaultPlan, type FaultTarget, NO_FAULTS, type PlannedFault } from './fault-plan.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { USERS } from './faulty-pull.ts';
import { tarOf } from './images.ts';
import { AMD64, inspect, makeRegistryImages } from './registry-images.ts';

/** docker-registry with `app:one` and `app:multi`, and proxies before it. */
export interface FaultRig {
  readonly work: string;
  readonly certificates: Certificates;
  readonly registry: DockerRegistry;
  /** Of a tag, as skopeo sees it. */
  digestOf(tag: string): Digest;
  proxy(plan: Partial<FaultPlan>): Promise<FaultProxy>;
  /** Pushes an image of layers that nothing packs, as `app:<tag>`; how many bytes its blobs have. */
  pushNoise(tag: string, layers: number, size: number): Promise<number>;
}

/** For all tests of the file. */
export function useFaultRig(): FaultRig {
  const made = {
    work: '',
    registry: undefined as DockerRegistry | undefined,
    certificates: undefined as Certificates | undefined,
  };
  const digests = new Map<string, Digest>();
  beforeAll(async () => {
    made.work = mkdtempSync(join(tmpdir(), 'dobos-faults-'));
    made.registry = await startDockerRegistry(join(made.work, 'registry'));
    made.certificates = makeCertificates(join(made.work, 'certificates'));
    const images = await makeRegistryImages(made.work);
    for (const [from, tag] of [
      ['app', 'one'],
      ['index', 'multi'],
    ] as const) {
      images.push(from, `${made.registry.host}/app:${tag}`, '--all', '--preserve-digests');
      digests.set(tag, inspect(`${made.registry.host}/app:${tag}`).digest as Digest);
    }
  });
  afterAll(async () => {
    await made.registry?.stop();
    rmSync(made.work, { recursive: true, force: true });
  });
  return {
    get work() {
      return made.work;
    },
    get certificates() {
      return made.certificates!;
    },
    get registry() {
      return made.registry!;
    },
    digestOf: (tag) => digests.get(tag)!,
    proxy: (plan) =>
      startFaultProxy({
        ...{ upstream: made.registry!.host, certificates: made.certificates!, users: USERS },
        plan: { ...NO_FAULTS, ...plan },
      }),
    async pushNoise(tag, layers, size) {
      const folder = mkdtempSync(join(made.work, 'layout-'));
      const layout = createDirectoryStore(folder);
      let image = scratchImage(AMD64);
      for (let at = 0; at < layers; at++) {
        const tar = tarOf([[`noise-${at}`, randomBytes(size)]]);
        const blob = { mediaType: OCI_LAYER_TAR, digest: sha256(tar), size: tar.length };
        await layout.put(blob, streamOf(tar));
        image = appendLayer(image, openLayer(layout, blob, blob.digest), { created_by: `layer ${at}` });
      }
      await writeImage(layout, image, { name: tag });
      const flags = ['--insecure-policy', 'copy', '-q', '--preserve-digests', '--dest-tls-verify=false'];
      const target = `docker://${made.registry!.host}/app:${tag}`;
      execFileSync('skopeo', [...flags, `oci:${folder}:${tag}`, target], { stdio: 'pipe' });
      rmSync(folder, { recursive: true, force: true });
      digests.set(tag, image.descriptor.digest);
      return image.manifest.config.size + image.layers.reduce((sum, { blob }) => sum + blob.size, 0);
    },
  };
}

/** A fault for requests of a target: all of them, or some. */
export const on = (target: FaultTarget, fault: Fault, times?: number, after = 0): PlannedFault => ({
  ...{ on: target, fault, after },
  ...(times === undefined ? {} : { times }),
});
