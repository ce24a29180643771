import { describe, expect, it } from 'vitest';
import { parseEpoch, readSettings } from './settings.ts';

const read = (env: Record<string, string>, uid = 1000, arch = 'x64') =>
  readSettings({ env, uid, home: '/home/ann', arch, platform: 'linux', now: () => 0 });

describe('settings', () => {
  it.each([
    [{}, 0, '/var/lib/dobos'],
    [{}, 1000, '/home/ann/.local/share/dobos'],
    [{ XDG_DATA_HOME: '/data' }, 1000, '/data/dobos'],
    [{ DOBOS_ROOT: '/s' }, 0, '/s'],
    [{ DOBOS_ROOT: '' }, 0, '/var/lib/dobos'],
  ])('with %j user %d has the store %s', (env, uid, folder) =>
    expect(read(env, uid).storeFolder).toBe(folder),
  );

  it('makes a relative store absolute: runtimes work in other folders', () => {
    expect(read({ DOBOS_ROOT: 'store' }).storeFolder).toBe(`${process.cwd()}/store`);
  });

  it.each([
    ['x64', 'amd64'],
    ['arm64', 'arm64'],
    ['ia32', '386'],
  ])("names the architecture %s in Go's words", (arch, name) => {
    expect(read({}, 0, arch).hostPlatform).toEqual({ os: 'linux', architecture: name });
  });

  it.each([
    ['', undefined],
    ['0', 0],
    ['1700000000', 1_700_000_000],
  ])('reads SOURCE_DATE_EPOCH=%j', (text, epoch) => expect(parseEpoch(text)).toBe(epoch));

  it.each([
    [{}, { http: undefined, https: undefined, none: undefined }],
    [
      { http_proxy: 'a', HTTP_PROXY: 'b', https_proxy: 'c', HTTPS_PROXY: 'd', no_proxy: 'e', NO_PROXY: 'f' },
      { http: 'a', https: 'c', none: 'e' },
    ],
    [
      { HTTP_PROXY: 'b', HTTPS_PROXY: 'd', NO_PROXY: 'f' },
      { http: 'b', https: 'd', none: 'f' },
    ],
    [
      { ALL_PROXY: 'z', HTTPS_PROXY: 'd' },
      { http: 'z', https: 'd', none: undefined },
    ],
    [
      { HTTP_PROXY: 'attacker', REQUEST_METHOD: 'GET' },
      { http: undefined, https: undefined, none: undefined },
    ],
  ])('takes from %j the proxies %j', (env, proxies) => expect(read(env).proxies).toEqual(proxies));

  it('reads lists of hosts', () => {
    const { trustedHosts, insecureRegistries } = read({
      DOBOS_TRUSTED_HOSTS: 'a.example, b.example:1',
      DOBOS_INSECURE_REGISTRIES: '',
    });
    expect({ trustedHosts, insecureRegistries }).toEqual({
      trustedHosts: ['a.example', 'b.example:1'],
      insecureRegistries: [],
    });
  });

  it.each(['-1', '1.5', 'now', '0x10', '1e9'])('refuses SOURCE_DATE_EPOCH=%s, when it is needed', (text) => {
    const settings = read({ SOURCE_DATE_EPOCH: text });
    expect(() => settings.epoch()).toThrow(expect.objectContaining({ code: 'SETTINGS_EPOCH' }));
  });
});
