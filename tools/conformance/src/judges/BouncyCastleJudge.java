import java.io.*;
import java.nio.file.*;
import java.security.cert.*;
import java.util.*;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.*;
import org.bouncycastle.util.Selector;
import org.bouncycastle.util.Store;

/**
 * Verifies time-stamp responses and time-stamped signatures with BouncyCastle, and paths with the JDK as of the time of the token. Reads a line
 * for each, its parts parted by tabs: "time-stamp", request, response, root, and the unit's certificate with those above it; or "signature",
 * the CMS message, what it is detached from, and the roots of the signer and of the time stamp. Certificates beside are PEM, all else DER.
 * Answers "valid" or why not.
 */
class BouncyCastleJudge {
  public static void main(String[] none) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (var line = lines.readLine(); line != null; line = lines.readLine()) System.out.println(judge(line.split("\t")));
  }

  private static String judge(String[] parts) {
    try {
      if (parts[0].equals("signature")) verifySignature(read(parts[1]), read(parts[2]), root(parts[3]), root(parts[4]));
      else verifyTimeStamp(read(parts[1]), read(parts[2]), root(parts[3]), readCertificates(parts[4]));
      return "valid";
    } catch (Exception refusal) {
      return String.valueOf(refusal).replaceAll("\\s+", " ");
    }
  }

  private static void verifyTimeStamp(byte[] requestDer, byte[] responseDer, X509Certificate root, List<X509Certificate> beside)
      throws Exception {
    var response = new TimeStampResponse(responseDer);
    response.validate(new TimeStampRequest(requestDer));
    if (response.getTimeStampToken() == null) throw new TSPException("no token");
    verifyToken(response.getTimeStampToken(), beside, root);
  }

  /** Every signer has to be right, and to have a time stamp over its signature; its certificate is judged as of that. */
  private static void verifySignature(byte[] cms, byte[] content, X509Certificate root, X509Certificate timeStampRoot)
      throws Exception {
    var message = new CMSSignedData(new CMSProcessableByteArray(content), cms);
    var candidates = toJava(message.getCertificates());
    if (message.getSignerInfos().size() == 0) throw new CMSException("no signer");
    for (var signer : message.getSignerInfos()) {
      var certificate = among(candidates, signer.getSID());
      if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider(new BouncyCastleProvider()).build(certificate)))
        throw new CMSException("the signature is wrong");
      for (var token : timeStampsOf(signer)) {
        var info = token.getTimeStampInfo();
        var digest = java.security.MessageDigest.getInstance(info.getMessageImprintAlgOID().getId(), new BouncyCastleProvider());
        if (!Arrays.equals(digest.digest(signer.getSignature()), info.getMessageImprintDigest()))
          throw new TSPException("the time stamp is of something else");
        verifyToken(token, List.of(), timeStampRoot);
        verifyPath(certificate, candidates, root, info.getGenTime());
      }
    }
  }

  private static List<TimeStampToken> timeStampsOf(SignerInformation signer) throws Exception {
    AttributeTable unsigned = signer.getUnsignedAttributes();
    var attribute = unsigned == null ? null : unsigned.get(PKCSObjectIdentifiers.id_aa_signatureTimeStampToken);
    if (attribute == null) throw new TSPException("no time stamp");
    var tokens = new ArrayList<TimeStampToken>();
    for (var value : attribute.getAttributeValues())
      tokens.add(new TimeStampToken(new CMSSignedData(value.toASN1Primitive().getEncoded())));
    return tokens;
  }

  private static void verifyToken(TimeStampToken token, List<X509Certificate> beside, X509Certificate root) throws Exception {
    var candidates = new ArrayList<>(toJava(token.getCertificates()));
    candidates.addAll(beside);
    var signer = among(candidates, token.getSID());
    token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider(new BouncyCastleProvider()).build(signer));
    verifyPath(signer, candidates, root, token.getTimeStampInfo().getGenTime());
  }

  private static void verifyPath(X509Certificate end, List<X509Certificate> candidates, X509Certificate root, Date at)
      throws Exception {
    var target = new X509CertSelector();
    target.setCertificate(end);
    var parameters = new PKIXBuilderParameters(Set.of(new TrustAnchor(root, null)), target);
    parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(candidates)));
    parameters.setDate(at);
    parameters.setRevocationEnabled(false);
    CertPathBuilder.getInstance("PKIX").build(parameters);
  }

  private static X509Certificate among(List<X509Certificate> candidates, Selector<X509CertificateHolder> isSigner) throws Exception {
    for (var candidate : candidates) if (isSigner.match(new X509CertificateHolder(candidate.getEncoded()))) return candidate;
    throw new CMSException("no certificate for the signer");
  }

  private static List<X509Certificate> toJava(Store<X509CertificateHolder> store) throws Exception {
    var certificates = new ArrayList<X509Certificate>();
    for (var holder : store.getMatches(null)) certificates.add(new JcaX509CertificateConverter().getCertificate(holder));
    return certificates;
  }

  private static X509Certificate root(String file) throws Exception {
    return readCertificates(file).get(0);
  }

  @SuppressWarnings("unchecked")
  private static List<X509Certificate> readCertificates(String file) throws Exception {
    var found = CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(read(file)));
    return List.copyOf((Collection<X509Certificate>) (Collection<?>) found);
  }

  private static byte[] read(String file) throws Exception {
    return Files.readAllBytes(Path.of(file));
  }
}
