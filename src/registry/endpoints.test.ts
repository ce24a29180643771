import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEndpoints } from './endpoints.ts';
import { createInsecureHosts } from './insecure-hosts.ts';
import { readRegistryRules } from './registry-rules.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-endpoints-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (path: string, content: unknown): string => {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};
const CONF = 'etc/containers/registries.conf';
const rules = (environment: Record<string, string> = {}) =>
  readRegistryRules({ home: join(folder, 'home'), uid: 0, environment, systemFolder: join(folder, 'etc') });
/** `base/repository`, with what else is said of a place. */
const places = async (name: string, environment?: Record<string, string>): Promise<string[]> => {
  const slash = name.indexOf('/');
  const endpoints = createEndpoints(await rules(environment));
  const found = await endpoints.find(name.slice(0, slash), name.slice(slash + 1));
  expect(found.map(({ mirror }) => mirror)).toEqual([...found.slice(1).map(() => true), false]);
  return found.map(({ base, repository, only, namespace }) =>
    [`${base}/${repository}`, only, namespace].filter((word) => word !== undefined).join(' '),
  );
};
const insecure = async (host: string, hosts: readonly string[] = []) =>
  createInsecureHosts(await rules(), hosts)(host);

describe('the places of a repository', () => {
  it('are the registry alone where no file says more', async () => {
    expect(await places('r.example:5000/a/b')).toEqual(['https://r.example:5000/a/b']);
    expect(await places('docker.io/library/debian')).toEqual(['https://registry-1.docker.io/library/debian']);
  });

  it('are the mirrors in their order, with what each may be asked for, then the registry', async () => {
    write(
      CONF,
      `unqualified-search-registries = ["evil.example"]
[aliases]
"debian" = "evil.example/debian"
[[registry]]
prefix = "docker.io"
location = "docker.io"
[[registry.mirror]]
location = "one.example:5000/hub"
[[registry.mirror]]
location = "two.example"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "three.example"
pull-from-mirror = "tag-only"
`,
    );
    expect(await places('docker.io/library/debian')).toEqual([
      'https://one.example:5000/hub/library/debian',
      'https://two.example/library/debian digests',
      'https://three.example/library/debian tags',
      'https://registry-1.docker.io/library/debian',
    ]);
  });

  it('are asked for digests only where the registry says so for all mirrors', async () => {
    write(
      CONF,
      '[[registry]]\nlocation = "r.example"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m.example"',
    );
    expect(await places('r.example/a')).toEqual(['https://m.example/a digests', 'https://r.example/a']);
  });

  it.each([
    ['r.example/a/b', 'https://longest.example/b'],
    ['r.example/a/b/c', 'https://longest.example/b/c'],
    ['r.example/ab', 'https://host.example/x/ab'],
    ['r.example:5000/a', 'https://r.example:5000/a'],
    ['x.sub.example/a', 'https://x.sub.example/a'],
    ['x.wild.example/a', 'https://moved.example/a'],
    ['x.y.wild.example:1/a', 'https://moved.example:1/a'],
    ['wild.example/a', 'https://wild.example/a'],
    ['r.examples/a', 'https://r.examples/a'],
    ['evil.org/x.wild.example/a', 'https://evil.org/x.wild.example/a'],
    ['other.example/docker.io/x', 'https://other.example/docker.io/x'],
  ])('of %s begin with %s: the longest prefix counts, in whole parts', async (name, place) => {
    write(
      CONF,
      `[[registry]]
prefix = "r.example"
location = "host.example/x"
[[registry]]
prefix = "r.example/a"
location = "longest.example"
[[registry]]
prefix = "*.wild.example"
location = "moved.example"
[[registry]]
prefix = "docker.io"
location = "moved.example"
[[registry]]
prefix = "*.sub.example"
insecure = true
`,
    );
    expect((await places(name)).at(-1)).toBe(place);
  });

  it('are none for what is blocked', async () => {
    const file = write(
      CONF,
      '[[registry]]\nprefix = "r.example/bad"\nlocation = "r.example/bad"\nblocked = true',
    );
    await expect(places('r.example/bad/a')).rejects.toMatchObject({
      code: 'REGISTRY_BLOCKED',
      message: `r.example/bad/a is blocked by ${file}`,
    });
    await expect(places('R.EXAMPLE/bad/a')).rejects.toMatchObject({ code: 'REGISTRY_BLOCKED' });
    expect(await places('r.example/badly')).toEqual(['https://r.example/badly']);
    write(CONF, '[[registry]]\nlocation = "r.example"\nblocked = true');
    await expect(places('r.example:5000/a')).rejects.toMatchObject({ code: 'REGISTRY_BLOCKED' });
  });

  it('come from later files where these name the same prefix', async () => {
    const entry = (location: string, prefix = 'r.example') =>
      `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\n`;
    write(CONF, entry('main.example') + entry('kept.example', 's.example'));
    write(`${CONF}.d/20-b.conf`, entry('b.example'));
    write(`${CONF}.d/10-a.conf`, entry('a.example'));
    write(`${CONF}.d/30-c.conf.off`, entry('off.example'));
    expect(await places('r.example/a')).toEqual(['https://b.example/a']);
    expect(await places('s.example/a')).toEqual(['https://kept.example/a']);
    write('home/.config/containers/registries.conf.d/x.conf', entry('own.example'));
    expect(await places('r.example/a')).toEqual(['https://own.example/a']);
    const named = write('named.conf', entry('named.example', 's.example'));
    expect(await places('s.example/a', { CONTAINERS_REGISTRIES_CONF: named })).toEqual([
      'https://named.example/a',
    ]);
    write(
      'home/.config/containers/registries.conf',
      '[[registry]]\nlocation = "mine.example"\ninsecure = true',
    );
    expect(await places('s.example/a')).toEqual(['https://s.example/a']);
    expect(await insecure('mine.example')).toBe(true);
  });

  it("for Docker Hub alone are Docker's mirrors too", async () => {
    write('etc/docker/daemon.json', {
      'registry-mirrors': ['https://m.example/', 'http://plain.example:5000', 'https://m.example'],
    });
    expect(await places('docker.io/library/debian')).toEqual([
      'https://m.example/library/debian',
      'http://plain.example:5000/library/debian',
      'https://registry-1.docker.io/library/debian',
    ]);
    expect(await places('r.example/a')).toEqual(['https://r.example/a']);
    expect(await insecure('plain.example:5000')).toBe(true);
    expect(await insecure('m.example')).toBe(false);
  });

  it("are containerd's, with the registry's name in each request", async () => {
    write(
      'etc/containerd/certs.d/docker.io/hosts.toml',
      `server = "https://hub.example"
[host."https://one.example"]
  capabilities = ["pull", "resolve"]
[host."two.example/path"]
  capabilities = ["pull"]
[host."https://three.example/v2/hub"]
  override_path = true
[host."https://push.example"]
  capabilities = ["push"]
[host."https://lax.example"]
  skip_verify = true
`,
    );
    write('etc/containerd/certs.d/_default/hosts.toml', '[host."https://any.example"]');
    expect(await places('docker.io/library/debian')).toEqual([
      'https://one.example/library/debian docker.io',
      'https://two.example/path/v2/library/debian digests docker.io',
      'https://three.example/v2/hub/library/debian docker.io',
      'https://hub.example/library/debian',
    ]);
    expect(await places('r.example/a')).toEqual(['https://any.example/a r.example', 'https://r.example/a']);
  });

  it('are each asked once', async () => {
    write(
      CONF,
      '[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "m.example"\n[[registry.mirror]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "m.example"',
    );
    write('etc/docker/daemon.json', { 'registry-mirrors': ['https://m.example'] });
    expect(await places('docker.io/library/a')).toEqual([
      'https://m.example/library/a',
      'https://registry-1.docker.io/library/a',
    ]);
  });

  it('know the blocks and insecure hosts of the old form', async () => {
    write(
      CONF,
      '[registries.search]\nregistries = ["s.example"]\n[registries.insecure]\nregistries = ["i.example"]\n[registries.block]\nregistries = ["b.example"]',
    );
    expect(await insecure('i.example')).toBe(true);
    await expect(places('b.example/a')).rejects.toMatchObject({ code: 'REGISTRY_BLOCKED' });
  });
});

describe('a file of registries that cannot be understood', () => {
  it.each([
    ['[[registry]]\nlocation = "a"\nlocation = "b"', 3],
    ['\n\n[[registry]]\nlocation = ', 4],
  ])('is named with the line (%#)', async (text, line) => {
    const file = write(CONF, text);
    await expect(rules()).rejects.toMatchObject({
      code: 'REGISTRY_SETTINGS_FILE',
      message: expect.stringMatching(new RegExp(`^${file}, line ${line}: \\w.*[^\\n]$`)),
    });
  });
  it.each([
    ['[[registry]]\nprefix = 1', '[[registry]] 1.prefix must be a text'],
    ['[[registry]]\ninsecure = "yes"\nlocation = "a"', '[[registry]] 1.insecure must be true or false'],
    ['[[registry]]\ninsecure = true', '[[registry]] 1 needs a prefix or a location'],
    ['[[registry]]\nprefix = "a.example"', '[[registry]] 1 needs a location'],
    [
      '[[registry]]\nlocation = "https://a.example"',
      '[[registry]] 1.location must be a host, with a port and a path if need be, got "https://a.example"',
    ],
    [
      '[[registry]]\nlocation = "a.example/../../x?y"',
      '[[registry]] 1.location must be a host, with a port and a path if need be, got "a.example/../../x?y"',
    ],
    ['[[registry]]\nlocation = "*.a.example"', '[[registry]] 1.location must be a host without *'],
    ['[[registry]]\nlocation = "a"\n[[registry.mirror]]\ninsecure = true', 'mirror 1 of a needs a location'],
    [
      '[[registry]]\nlocation = "a"\n[[registry.mirror]]\nlocation = "b"\npull-from-mirror = "some"',
      'mirror 1 of a.pull-from-mirror must be all, digest-only or tag-only',
    ],
    ['registry = ["a"]', '[[registry]] 1 is no table'],
    ['registries.block = ["a"]', 'registries.block is no table'],
    ['[registries.block]\nregistries = ["http://a"]', 'registries.block has "http://a", want a host'],
  ])('is named with what is wrong: %j', async (text, why) => {
    const file = write(CONF, text);
    await expect(rules()).rejects.toMatchObject({
      code: 'REGISTRY_SETTINGS_FILE',
      message: `${file}: ${why}`,
    });
  });
  it.each([
    ['{', ', line 1: it is not JSON'],
    [{ 'registry-mirrors': 'https://a' }, ': "registry-mirrors" is no list of texts'],
    [{ 'registry-mirrors': ['ftp://a'] }, ': mirror "ftp://a" is no http or https URL of a host'],
    [
      { 'registry-mirrors': ['https://u:secret@a'] },
      ': mirror "https://***@a" is no http or https URL of a host',
    ],
    [
      { 'registry-mirrors': ['https://a/path'] },
      ': mirror "https://a/path" is no http or https URL of a host',
    ],
  ])('is Docker’s %j', async (content, why) => {
    const file = write('etc/docker/daemon.json', content);
    await expect(rules()).rejects.toMatchObject({ code: 'REGISTRY_SETTINGS_FILE', message: `${file}${why}` });
  });
  it('is one that is too large', async () => {
    write(CONF, `registry = []\n#${'x'.repeat(1 << 20)}`);
    await expect(rules()).rejects.toMatchObject({ code: 'REGISTRY_SETTINGS_FILE' });
  });
  it('is not one of short names alone: those are not followed, so nobody reads them', async () => {
    write(CONF, '# [[registry]]\n[aliases]\n"registry" = "docker.io/library/registry"\nbroken');
    expect((await rules()).prefixes).toEqual([]);
  });
  it("is not Docker's when it is closed to this user", async () => {
    chmodSync(folder, 0o755);
    chmodSync(write('etc/docker/daemon.json', '{'), 0);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      expect((await rules()).docker.mirrors).toEqual([]);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});

describe('insecure hosts', () => {
  it.each([
    ['i.example', true],
    ['i.example:5000', true],
    ['I.Example', true],
    ['p.example:5000', true],
    ['p.example', false],
    ['p.example:5001', false],
    ['10.1.2.3', true],
    ['10.1.2.3:5000', true],
    ['11.1.2.3', false],
    ['[fd00::1]:5000', true],
    ['[fe00::1]', false],
    ['10.example', false],
    ['x.wild.example:1', true],
    ['wild.example', false],
    ['conf.example', true],
    ['m.example:1', true],
    ['secure.example', false],
    ['named.example:7', true],
    ['', false],
  ])('%s: %s', async (host, expected) => {
    write('etc/docker/daemon.json', {
      'insecure-registries': ['i.example', 'p.example:5000', '10.0.0.0/8', 'fd00::/8', '10.0.0.0/99'],
    });
    write(
      CONF,
      '[[registry]]\nprefix="*.wild.example"\ninsecure=true\n[[registry]]\nprefix="x.example"\nlocation="conf.example/path"\ninsecure=true\n[[registry]]\nlocation="secure.example"\n[[registry.mirror]]\nlocation="m.example:1/p"\ninsecure=true',
    );
    expect(await insecure(host, ['named.example:7'])).toBe(expected);
  });
});
