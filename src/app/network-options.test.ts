import { describe, expect, it } from 'vitest';
import { chooseNetwork, parseExposed, parsePublished } from './network-options.ts';

const tcp = (containerPort: number, hostPorts?: readonly [number, number], hostIp?: string) => ({
  protocol: 'tcp',
  containerPort,
  hostIp,
  hostPorts,
});

describe('--publish', () => {
  it.each([
    ['', 'want [[IP:]HOST:]CONTAINER'],
    ['http', '"http" is no port, want 1 to 65535'],
    ['0:80', '"0" is no port'],
    ['80:65536', '"65536" is no port'],
    ['8080:80/sctp', 'protocol "sctp"'],
    ['999.1.1.1:80:80', '"999.1.1.1" is no address'],
    ['1:2:3:4', 'want [[IP:]HOST:]CONTAINER'],
    ['8000-8001:80-82', 'different length'],
    ['80-70:80', '"80-70" is no port'],
  ])('refuses %j', (text, problem) => {
    expect(() => parsePublished(text)).toThrow(problem);
  });

  it.each([
    ['80', [tcp(80)]],
    ['8080:80', [tcp(80, [8080, 8080])]],
    ['0.0.0.0:8080:80', [tcp(80, [8080, 8080])]],
    ['127.0.0.1:8080:80', [tcp(80, [8080, 8080], '127.0.0.1')]],
    ['127.0.0.1::80', [tcp(80, undefined, '127.0.0.1')]],
    ['[::1]:8080:80', [tcp(80, [8080, 8080], '::1')]],
    ['8000-8001:80-81', [tcp(80, [8000, 8000]), tcp(81, [8001, 8001])]],
    ['8000-8010:80', [tcp(80, [8000, 8010])]],
    ['53:53/UDP', [{ ...tcp(53, [53, 53]), protocol: 'udp' }]],
  ])('takes %s', (text, wishes) => {
    expect(parsePublished(text)).toEqual(wishes);
  });
});

describe('the network of a container', () => {
  it('is this machine’s, or a bridge as soon as a port is published', () => {
    expect(chooseNetwork({}, ['80/tcp'])).toEqual({
      process: 'host',
      exposed: ['80/tcp'],
      warning: undefined,
    });
    expect(chooseNetwork({ publish: ['8080:80'] }, [])).toEqual({
      process: 'none',
      network: { mode: 'bridge', ports: [tcp(80, [8080, 8080])] },
      exposed: ['80/tcp'],
    });
  });
  it('has every exposed port with -P, those named otherwise as they are', () => {
    const { network } = chooseNetwork({ publishAll: true, publish: ['8080:80'], expose: ['90-91/udp'] }, [
      '80/tcp',
      '70',
    ]);
    expect(network).toEqual({
      mode: 'bridge',
      ports: [
        tcp(80, [8080, 8080]),
        { protocol: 'tcp', containerPort: 70 },
        { protocol: 'udp', containerPort: 90 },
        { protocol: 'udp', containerPort: 91 },
      ],
    });
  });
  it('says that ports are not published where they cannot be, as docker does', () => {
    expect(chooseNetwork({ network: 'host', publish: ['8080:80'] }, []).warning).toBe(
      'Published ports are discarded when using host network mode',
    );
    expect(() => chooseNetwork({ network: 'container:a', publish: ['80'] }, [])).toThrow(
      'conflicting options',
    );
    expect(() => chooseNetwork({ network: 'mine' }, [])).toThrow('network mine not found');
    expect(() => chooseNetwork({ network: 'container:' }, [])).toThrow('not found');
  });
  it('refuses ports that are none', () => {
    expect(() => parseExposed('x')).toThrow('is no port');
    expect(parseExposed('1000-1001')).toEqual(['1000/tcp', '1001/tcp']);
  });
});
