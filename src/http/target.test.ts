import { describe, expect, it } from 'vitest';
import { checkTarget, hostWithoutPort, isLoopbackHost, type TargetOptions } from './target.ts';

const check = (url: string, home = 'registry.example', o: TargetOptions = {}) =>
  checkTarget(new URL(url), home, o);

describe('a target', () => {
  it.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[64:ff9b::169.254.169.254]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/',
    'https://192.168.1.1:8443/',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://x.localhost/',
    'http://127.0.0.1:5000/',
    'https://１２７.0.0.1/',
  ])('%s is refused on behalf of another host', (url) => {
    expect(() => check(url)).toThrow(expect.objectContaining({ code: 'HTTP_PRIVATE_ADDRESS' }));
  });

  it.each([
    ['https://127.0.0.1:9000/', '127.0.0.1:5000'],
    ['http://localhost:9000/', 'localhost:5000'],
    ['https://[::1]:9000/', '[::1]:5000'],
    ['https://10.0.0.1/', '10.0.0.1'],
    ['https://169.254.169.254/', '169.254.169.254'],
    ['https://Registry.Example./', 'registry.example'],
  ])('%s is accepted on behalf of %s', (url, home) => {
    expect(() => check(url, home)).not.toThrow();
  });

  it('that is trusted may be private', () => {
    expect(() => check('https://10.0.0.1:9000/', 'r.example', { trustedHosts: ['10.0.0.1'] })).not.toThrow();
    expect(() => check('https://10.0.0.2:9000/', 'r.example', { trustedHosts: ['10.0.0.1'] })).toThrow();
  });

  it('is not talked to plainly unless it is loopback or listed', () => {
    const plain = expect.objectContaining({ code: 'HTTP_PLAIN' });
    expect(() => check('http://registry.example/')).toThrow(plain);
    expect(() => check('http://10.0.0.1/', '10.0.0.1')).toThrow(plain);
    expect(() => check('http://127.0.0.2:5000/', '127.0.0.2:5000')).not.toThrow();
    expect(() =>
      check('http://registry.example:5000/', 'registry.example', {
        insecure: (host) => host === 'registry.example:5000',
      }),
    ).not.toThrow();
    expect(() =>
      check('http://registry.example/', 'registry.example', { plain: (host) => host === 'registry.example' }),
    ).not.toThrow();
    expect(() =>
      check('http://registry.example:81/', 'registry.example', {
        plain: (host) => host === 'registry.example',
      }),
    ).toThrow(plain);
  });

  it('is spoken to by http and https only', () => {
    for (const url of ['file:///etc/passwd', 'ftp://x/', 'unix:/run/docker.sock', 'data:,x']) {
      expect(() => check(url), url).toThrow(expect.objectContaining({ code: 'HTTP_URL' }));
    }
  });

  it('that is the home may resolve into this network, but not to a link-local address', () => {
    const accept = check('https://registry.example/');
    expect(['10.0.0.1', '127.0.0.1', 'fd00::1', '8.8.8.8'].map(accept)).toEqual([true, true, true, true]);
    expect(['169.254.169.254', '::ffff:169.254.169.254', 'fe80::1'].map(accept)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('that is not the home must resolve to public addresses', () => {
    const accept = check('https://cdn.example/');
    const refused = ['10.0.0.1', '127.0.0.1', '::1', '169.254.169.254', '::ffff:10.0.0.1', '0.0.0.0', 'junk'];
    expect(refused.filter(accept)).toEqual([]);
    expect(accept('8.8.8.8')).toBe(true);
  });

  it('has the same rule for the same reason, so that connections can be shared', () => {
    expect(check('https://a.example/')).toBe(check('https://b.example/'));
    expect(check('https://a.example/')).not.toBe(check('https://registry.example/'));
  });
});

describe('hosts', () => {
  it('lose port, brackets, case and the dot of the root', () => {
    expect(['Registry:5000', '[::1]:5000', 'a.example.', '127.1:80'].map(hostWithoutPort)).toEqual([
      'registry',
      '::1',
      'a.example',
      '127.0.0.1',
    ]);
  });

  it('are loopback by name or address, not by a name that only begins so', () => {
    expect(['localhost', '127.3.2.1', '[::1]'].every(isLoopbackHost)).toBe(true);
    expect(['127.0.0.1.example', 'localhost.example', '128.0.0.1', '[::2]'].some(isLoopbackHost)).toBe(false);
  });
});
