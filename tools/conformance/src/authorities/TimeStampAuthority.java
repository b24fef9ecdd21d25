import java.io.*;
import java.math.BigInteger;
import java.security.*;
import java.util.*;
import org.bouncycastle.asn1.*;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.*;
import org.bouncycastle.cert.*;
import org.bouncycastle.cert.jcajce.*;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.operator.jcajce.*;
import org.bouncycastle.tsp.*;

/**
 * A time-stamping authority of BouncyCastle's TimeStampTokenGenerator, with a root and a unit of its own, made at the start. Reads a line for
 * each: "root" or "unit" for a certificate, or a TimeStampReq; answers with DER. All in Base64.
 */
class TimeStampAuthority {
  private static final ASN1ObjectIdentifier POLICY = new ASN1ObjectIdentifier("1.3.6.1.4.1.32473.78");
  private static final Set<ASN1ObjectIdentifier> HASHES = Set.of(TSPAlgorithms.SHA256, TSPAlgorithms.SHA384, TSPAlgorithms.SHA512);
  private static final String SIGNATURE = "SHA256withECDSA";

  private final SecureRandom random = new SecureRandom();
  private final KeyPair rootKeys = newKeys();
  private final KeyPair unitKeys = newKeys();
  private final X509CertificateHolder root = issue("CN=BouncyCastle Root", rootKeys.getPublic(), true);
  private final X509CertificateHolder unit = issue("CN=BouncyCastle TSU", unitKeys.getPublic(), false);

  private TimeStampAuthority() throws Exception {}

  public static void main(String[] none) throws Exception {
    var authority = new TimeStampAuthority();
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (var line = lines.readLine(); line != null; line = lines.readLine())
      System.out.println(Base64.getEncoder().encodeToString(authority.answer(line)));
  }

  private byte[] answer(String line) throws Exception {
    if (line.equals("root")) return root.getEncoded();
    if (line.equals("unit")) return unit.getEncoded();
    var request = new TimeStampRequest(Base64.getDecoder().decode(line));
    return new TimeStampResponseGenerator(generator(), HASHES).generate(request, newSerial(), new Date()).getEncoded();
  }

  private TimeStampTokenGenerator generator() throws Exception {
    var digests = new JcaDigestCalculatorProviderBuilder().build();
    var signer = new JcaSimpleSignerInfoGeneratorBuilder().build(SIGNATURE, unitKeys.getPrivate(), new JcaX509CertificateConverter().getCertificate(unit));
    var sha256 = digests.get(new AlgorithmIdentifier(TSPAlgorithms.SHA256));
    var generator = new TimeStampTokenGenerator(signer, sha256, POLICY);
    generator.addCertificates(new JcaCertStore(List.of(unit)));
    generator.setResolution(TimeStampTokenGenerator.R_MILLISECONDS);
    generator.setAccuracyMillis(500);
    generator.setTSA(new GeneralName(unit.getSubject()));
    return generator;
  }

  private X509CertificateHolder issue(String subject, PublicKey key, boolean isCa) throws Exception {
    var now = System.currentTimeMillis();
    var day = 86_400_000L;
    var issuer = new X500Name("CN=BouncyCastle Root");
    var builder = new JcaX509v3CertificateBuilder(issuer, newSerial(), new Date(now - day), new Date(now + 30 * day), new X500Name(subject), key);
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(isCa));
    builder.addExtension(Extension.keyUsage, true, new KeyUsage(isCa ? KeyUsage.keyCertSign | KeyUsage.cRLSign : KeyUsage.digitalSignature));
    if (!isCa) builder.addExtension(Extension.extendedKeyUsage, true, new ExtendedKeyUsage(KeyPurposeId.id_kp_timeStamping));
    var identifiers = new JcaX509ExtensionUtils();
    builder.addExtension(Extension.subjectKeyIdentifier, false, identifiers.createSubjectKeyIdentifier(key));
    builder.addExtension(Extension.authorityKeyIdentifier, false, identifiers.createAuthorityKeyIdentifier(rootKeys.getPublic()));
    return builder.build(new JcaContentSignerBuilder(SIGNATURE).build(rootKeys.getPrivate()));
  }

  private BigInteger newSerial() {
    return new BigInteger(120, random).setBit(120);
  }

  private static KeyPair newKeys() throws Exception {
    var keys = KeyPairGenerator.getInstance("EC");
    keys.initialize(256);
    return keys.generateKeyPair();
  }
}
