const SECRET_WORDS = new Set(
  'apikey auth credential credentials key password pword passwd secret token'.split(' '),
);
const HARMLESS_WORDS = new Set(['public', 'file', 'version']);

/** True if an ARG or ENV of this name probably holds a secret, so its value is never shown (the words of spec build.md e, SecretsUsedInArgOrEnv). */
export function isSecretName(name: string): boolean {
  const words = name.toLowerCase().split('_');
  return words.some((word) => SECRET_WORDS.has(word)) && !words.some((word) => HARMLESS_WORDS.has(word));
}
