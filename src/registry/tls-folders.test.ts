import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTlsFolders } from './tls-folders.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pem = (text: string): string => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
const write = (path: string, content = pem(path)): string => {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
};
const files = (host: string) =>
  createTlsFolders({
    home: join(folder, 'home'),
    uid: 1,
    environment: {},
    systemFolder: join(folder, 'etc'),
  })(host);

describe('TLS files', () => {
  it('are none for a host without a folder', async () => expect(await files('r.example')).toBeUndefined());
  it('are all authorities and the first pair of a host and its port', async () => {
    for (const name of ['b.crt', 'a.crt', 'x.cert', 'x.key', 'y.cert', 'y.key', 'README'])
      write(`etc/docker/certs.d/r.example:5000/${name}`, pem(name));
    expect(await files('R.example:5000')).toEqual({
      ca: [pem('a.crt'), pem('b.crt')],
      cert: pem('x.cert'),
      key: pem('x.key'),
    });
    expect(await files('r.example')).toBeUndefined();
  });
  it("are podman's before Docker's, the person's before the system's", async () => {
    const places = ['etc/docker', 'etc/containers', 'home/.config/docker', 'home/.config/containers'];
    for (const place of places) {
      write(`${place}/certs.d/r.example/ca.crt`, pem(place));
      expect((await files('r.example'))?.ca).toEqual([pem(place)]);
    }
  });
  it('of Docker Hub may stand under the name that people use', async () => {
    write('etc/docker/certs.d/docker.io/ca.crt', pem('hub'));
    expect((await files('registry-1.docker.io'))?.ca).toEqual([pem('hub')]);
  });
  it.each([
    ['x.cert', 'x.key'],
    ['x.key', 'x.cert'],
  ])('with %s alone are an error that names %s', async (half, missing) => {
    const file = write(`etc/containers/certs.d/r.example/${half}`);
    await expect(files('r.example')).rejects.toMatchObject({
      code: 'REGISTRY_TLS_FILE',
      message: `TLS file ${file}: its other half ${join(dirname(file), missing)} is missing`,
    });
  });
  it.each([
    ['no certificate', 'it holds no PEM block'],
    [pem('x'.repeat(1 << 20)), '1048631 bytes are more than 1048576'],
  ])('that are none (%#) are an error', async (content, why) => {
    const file = write('etc/containers/certs.d/r.example/ca.crt', content);
    await expect(files('r.example')).rejects.toMatchObject({ message: `TLS file ${file}: ${why}` });
  });
  it.each(['../../etc', '..', 'a/b', '', '.hidden', 'r.example/..'])(
    'are not looked for under %j',
    async (host) => {
      write('etc/containers/certs.d/ca.crt');
      write('etc/containers/ca.crt');
      expect(await files(host)).toBeUndefined();
    },
  );
  it('are read once', async () => {
    const find = createTlsFolders({ home: '', uid: 0, environment: {}, systemFolder: join(folder, 'etc') });
    const file = write('etc/containers/certs.d/r.example/ca.crt');
    const first = await find('r.example');
    rmSync(file);
    expect(await find('r.example')).toBe(first);
  });
});
