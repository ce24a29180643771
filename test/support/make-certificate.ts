import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly name: string;
  readonly privateKey: KeyObject;
}

export interface CertificateOptions {
  /** Names and IPv4 addresses that it is for. */
  readonly hosts?: readonly string[];
  readonly name?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Whether it may sign others. */
  readonly ca?: boolean;
  /** Who signs it; itself when absent. */
  readonly issuer?: Certificate;
}

const DAY = 86_400_000;

/** An X.509 certificate (RFC 5280) with a fresh P-256 key, valid from yesterday to tomorrow. */
export function makeCertificate(o: CertificateOptions = {}): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = o.name ?? o.hosts?.[0] ?? 'test';
  const algorithm = sequence(oid('2a8648ce3d040302'));
  const body = sequence(
    tag(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(o.issuer?.name ?? name),
    sequence(time(o.notBefore ?? new Date(Date.now() - DAY)), time(o.notAfter ?? new Date(Date.now() + DAY))),
    distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tag(0xa3, sequence(...extensions(o))),
  );
  const signature = sign('sha256', body, o.issuer?.privateKey ?? privateKey);
  const der = sequence(body, algorithm, tag(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  const cert = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), name, privateKey };
}

function extensions(o: CertificateOptions): Buffer[] {
  const names = (o.hosts ?? []).map((host) =>
    isIP(host) === 4
      ? tag(0x87, Buffer.from(host.split('.').map(Number)))
      : tag(0x82, Buffer.from(host, 'latin1')),
  );
  return [
    extension('551d13', sequence(...(o.ca === true ? [tag(0x01, Buffer.from([0xff]))] : []))),
    ...(names.length === 0 ? [] : [extension('551d11', sequence(...names))]),
  ];
}

const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), tag(0x04, value));
const distinguishedName = (name: string): Buffer =>
  sequence(tag(0x31, sequence(oid('550403'), tag(0x0c, Buffer.from(name)))));
const time = (date: Date): Buffer =>
  tag(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
const oid = (hex: string): Buffer => tag(0x06, Buffer.from(hex, 'hex'));
const integer = (bytes: Buffer): Buffer => tag(0x02, bytes);
const sequence = (...parts: readonly Buffer[]): Buffer => tag(0x30, Buffer.concat(parts));

function tag(type: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([type, ...size]), content]);
}
