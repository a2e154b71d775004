/** The proxy's certificate as the settings name it: read before anything starts, so that a mistake costs no half start. */
import type { Config } from '../base/config.js';
import { Fault } from '../base/errors.js';
import { readCertificate, type CertificateFiles } from '../proxy/listener/certificate.js';

/** The files of the listener's certificate; undefined for plain HTTP. */
export function certificateFiles(
  config: Pick<Config, 'tlsCertFile' | 'tlsKeyFile'>,
): CertificateFiles | undefined {
  const { tlsCertFile: certFile, tlsKeyFile: keyFile } = config;
  return certFile === null || keyFile === null ? undefined : { certFile, keyFile };
}

/** How clients speak to the proxy. */
export function proxyProtocol(
  config: Pick<Config, 'tlsCertFile' | 'tlsKeyFile'>,
): 'http' | 'https' {
  return certificateFiles(config) === undefined ? 'http' : 'https';
}

/** Fault with setting, rule and way out when the proxy could not show its certificate. */
export function checkCertificate(config: Config): void {
  const files = certificateFiles(config);
  if (files === undefined || !config.roles.includes('proxy')) return;
  const read = readCertificate(files);
  if ('problem' in read) throw new Fault('internal', `${read.problem}; ${read.wayOut}.`);
}
