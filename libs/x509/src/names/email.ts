import { isValidDnsName } from "./dns.ts";

/** True for a Mailbox as rfc822Name holds it (RFC 5280 section 4.2.1.6): an ASCII local part that is a Dot-string of RFC 5321
 *  section 4.1.2 and a host name. Quoted local parts and address literals are left out on purpose. Addresses with other
 *  characters are SmtpUTF8Mailbox (RFC 9598), another name form. */
export function isMailbox(text: string): boolean {
  const at = text.lastIndexOf("@");
  const localPart = text.slice(0, Math.max(0, at));
  if (localPart.length > 64 || !isValidDnsName(text.slice(at + 1))) return false;
  return /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(localPart);
}
