import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../support/built-command.ts';
import { makeCertificates } from '../support/certificates.ts';
import { type DockerRegistry, PASSWORD, startDockerRegistry, USER } from '../support/docker-registry.ts';
import { makeRegistryImages } from '../support/registry-images.ts';

let folder: string;
let registry: DockerRegistry;
let ca: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-registries-conf-'));
  const tls = makeCertificates(join(folder, 'tls'));
  ca = readFileSync(tls.caFile, 'utf8');
  registry = await startDockerRegistry(join(folder, 'registry'), { lock: { kind: 'htpasswd' }, tls });
  const images = await makeRegistryImages(join(folder, 'images'));
  for (const repository of ['team/app', 'library/app'])
    images.push('app', `${registry.host}/${repository}:1`, `--dest-creds=${USER}:${PASSWORD}`);
});
afterAll(async () => {
  await registry?.stop();
  rmSync(folder, { recursive: true, force: true });
});

let box: Sandbox;
const write = (path: string, text: string): void => {
  const file = join(box.env.HOME!, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
};
beforeEach(() => {
  box = createSandbox({ folder: mkdtempSync(join(folder, 'box-')), env: { NO_COLOR: '1' } });
});

/** The digest that skopeo finds by the same files; undefined when it finds none. */
function skopeo(name: string): string | undefined {
  const args = ['inspect', '--no-tags', '--format', '{{.Digest}}', `docker://${name}`];
  const { status, stdout } = spawnSync('/usr/bin/skopeo', args, { env: box.env, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
async function dobos(name: string): Promise<string | undefined> {
  const { stdout } = await box.run(['pull', name]);
  return /^Digest: (\S+)$/m.exec(stdout)?.[1];
}

describe('what files say of registries', () => {
  const DEAD = '127.0.0.1:1';
  it.each([
    [
      'a mirror after one that is gone',
      (host: string) => `[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "${DEAD}/x"
[[registry.mirror]]
location = "${host}"`,
      'docker.io/team/app:1',
      true,
    ],
    [
      'a place for a name without a path',
      (host: string) => `[[registry]]
prefix = "docker.io"
location = "${host}"`,
      'app:1',
      true,
    ],
    [
      'the longest prefix',
      (host: string) => `[[registry]]
prefix = "r.example"
location = "${DEAD}"
[[registry]]
prefix = "r.example/deep/er"
location = "${host}/team"
[[registry]]
prefix = "r.example/deep"
location = "${DEAD}"`,
      'r.example/deep/er/app:1',
      true,
    ],
    [
      'a pattern of hosts',
      (host: string) => `[[registry]]
prefix = "*.wild.example"
location = "${host}"`,
      'a.b.wild.example/team/app:1',
      true,
    ],
    [
      'a mirror for digests only',
      (host: string) => `[[registry]]
location = "${DEAD}"
mirror-by-digest-only = true
[[registry.mirror]]
location = "${host}"`,
      `${DEAD}/team/app:1`,
      false,
    ],
    [
      'a block',
      (host: string) => `[[registry]]
location = "${host}"
blocked = true`,
      'HOST/team/app:1',
      false,
    ],
  ])('lead where they lead skopeo: %s', async (_, conf, name, found) => {
    write('.config/containers/registries.conf', conf(registry.host));
    write(`.config/containers/certs.d/${registry.host}/ca.crt`, ca);
    write(
      '.docker/config.json',
      JSON.stringify({
        auths: { [registry.host]: { auth: Buffer.from(`${USER}:${PASSWORD}`).toString('base64') } },
      }),
    );
    const wanted = name.replace('HOST', registry.host);
    const digest = skopeo(wanted);
    expect(digest !== undefined).toBe(found);
    expect(await dobos(wanted)).toBe(digest);
  });

  it('may do without the certificate', async () => {
    write(
      '.docker/config.json',
      JSON.stringify({
        auths: { [registry.host]: { auth: Buffer.from(`${USER}:${PASSWORD}`).toString('base64') } },
      }),
    );
    const name = `${registry.host}/team/app:1`;
    expect([skopeo(name), await dobos(name)]).toEqual([undefined, undefined]);
    write(
      '.config/containers/registries.conf',
      `[[registry]]\nlocation = "${registry.host}"\ninsecure = true`,
    );
    expect(skopeo(name)).toMatch(/^sha256:/);
    expect(await dobos(name)).toBe(skopeo(name));
  });
});
