/** Addresses that certificates carry for life. Served by the ocsp service. */
export interface PublicUrls {
  /** Byte for byte the IDP of the list (RFC 5280 section 5.2.5). */
  crl(authorityId: string, shard: number): string;
  /** Where what has changed since the full list is found. */
  deltaCrl(authorityId: string, shard: number): string;
  ocsp(authorityId: string): string;
  caIssuers(authorityId: string): string;
}

/** `baseUrl` without a slash at its end, e.g. "http://localhost:8081". */
export const publicUrls = (baseUrl: string): PublicUrls => ({
  crl: (authorityId, shard) => `${baseUrl}/crl/${authorityId}/${shard}.crl`,
  deltaCrl: (authorityId, shard) => `${baseUrl}/crl/${authorityId}/${shard}-delta.crl`,
  ocsp: (authorityId) => `${baseUrl}/ocsp/${authorityId}`,
  caIssuers: (authorityId) => `${baseUrl}/aia/${authorityId}.cer`,
});
