import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putImage } from '../../test/support/images.ts';
import { type ServedStore, type ServeOptions, serveStore } from '../../test/support/registry-server.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { type App, createApp } from './app.ts';
import type { RegistryNotice } from './open-registry.ts';
import { readSettings } from './settings.ts';

let home: string;
const open: { close(): Promise<void> }[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'dobos-open-registry-'));
  mkdirSync(join(home, '.docker'));
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  rmSync(home, { recursive: true, force: true });
});

const ANN = { username: 'ann', password: 'pw' };
const serve = async (o: ServeOptions = {}): Promise<ServedStore> => {
  const store = createMemoryStore();
  await putImage(store, 'docker.io/team/app:latest');
  const served = await serveStore(store, o);
  open.push(served);
  return served;
};
const login = (...hosts: readonly string[]): void => {
  const auth = Buffer.from('ann:pw').toString('base64');
  const auths = Object.fromEntries(hosts.map((host) => [host, { auth }]));
  writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ auths }));
};
/** A command's app with a registries.conf of its own. */
const app = (conf = ''): App => {
  const file = join(home, 'registries.conf');
  writeFileSync(file, conf);
  const env = { XDG_RUNTIME_DIR: join(home, 'run'), CONTAINERS_REGISTRIES_CONF: file };
  const made = createApp(
    readSettings({ env, uid: 0, home, arch: 'x64', platform: 'linux', now: () => 0 }),
    '1.2.3',
  );
  open.push(made);
  return made;
};
const headersOf = ({ requests }: ServedStore): (string | undefined)[] =>
  requests.map(({ headers }) => headers.authorization).filter((value) => value !== undefined);

describe('the registry of a command', () => {
  it("shows this person's credentials, and its own name", async () => {
    const served = await serve({ auth: { basic: ANN } });
    login(served.host);
    const registry = await app().registry();
    expect(await registry.repository(served.host, 'team/app').resolve('latest')).toHaveProperty('digest');
    expect(new Set(headersOf(served))).toEqual(new Set(['Basic YW5uOnB3']));
    expect(served.requests[0]?.headers['user-agent']).toBe('dobos/1.2.3');
  });
  it('is the same for all who ask, and reads nothing before', async () => {
    const broken = app('[[registry]]\nprefix = 1');
    await expect(broken.registry()).rejects.toMatchObject({ code: 'REGISTRY_SETTINGS_FILE' });
    const one = app();
    expect(await one.registry()).toBe(await one.registry({ insecure: false }));
    expect(await one.registry()).not.toBe(await one.registry({ insecure: true }));
  });
  it('asks mirrors first, and shows them nothing that is meant for the registry', async () => {
    const [gone, mirror] = [await serve(), await serve({ auth: { basic: ANN } })];
    await gone.close();
    login('r.example', mirror.host);
    const notices: RegistryNotice[] = [];
    const registry = await app(
      `[[registry]]
prefix = "r.example"
location = "r.example"
[[registry.mirror]]
location = "${gone.host}"
[[registry.mirror]]
location = "${mirror.host}/team"
`,
    ).registry({ onEvent: (notice) => notices.push(notice) });
    expect(await registry.repository('r.example', 'app').resolve('latest')).toHaveProperty('digest');
    expect(notices).toContainEqual(expect.objectContaining({ kind: 'mirror-failed', mirror: gone.host }));
    expect(headersOf(mirror).length).toBeGreaterThan(0);
    login('r.example');
    const other = await app(
      `[[registry]]\nlocation = "r.example"\nblocked = true\n[[registry]]\nprefix = "s.example"\nlocation = "${mirror.host}"`,
    ).registry();
    const before = headersOf(mirror).length;
    await expect(other.repository('s.example', 'team/app').resolve('latest')).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
    });
    expect(headersOf(mirror)).toHaveLength(before);
    await expect(other.repository('r.example', 'app').resolve('latest')).rejects.toMatchObject({
      code: 'REGISTRY_BLOCKED',
    });
  });
  it('names the helper that is missing, when the registry wants a login', async () => {
    const [closed, free] = [await serve({ auth: { basic: ANN } }), await serve()];
    writeFileSync(join(home, '.docker/config.json'), '{"credsStore":"lost-one"}');
    const registry = await app().registry();
    expect(await registry.repository(free.host, 'team/app').resolve('latest')).toHaveProperty('digest');
    await expect(registry.repository(closed.host, 'team/app').resolve('latest')).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
      message: expect.stringContaining('credential helper docker-credential-lost-one, which'),
    });
  });
});
