import java.io.*;
import java.nio.file.*;
import java.security.cert.*;
import java.util.*;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.*;
import org.bouncycastle.util.Selector;

/**
 * Verifies time-stamp responses with BouncyCastle, and the path with the JDK as of the time of the token. Reads a line for each: request,
 * response, root and the unit's certificate with those above it, parted by tabs; the first three DER, the last PEM. Answers "valid" or why
 * not.
 */
class TimeStampJudge {
  public static void main(String[] none) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (var line = lines.readLine(); line != null; line = lines.readLine()) System.out.println(judge(line.split("\t")));
  }

  private static String judge(String[] files) {
    try {
      verify(files);
      return "valid";
    } catch (Exception refusal) {
      return String.valueOf(refusal).replaceAll("\\s+", " ");
    }
  }

  private static void verify(String[] files) throws Exception {
    var request = new TimeStampRequest(read(files[0]));
    var response = new TimeStampResponse(read(files[1]));
    response.validate(request);
    var token = response.getTimeStampToken();
    if (token == null) throw new TSPException("no token");

    var carried = token.getCertificates().getMatches(null);
    var candidates = new ArrayList<>(toJava(carried));
    candidates.addAll(readCertificates(files[3]));
    var signer = signerAmong(candidates, token);
    token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider(new BouncyCastleProvider()).build(signer));

    var target = new X509CertSelector();
    target.setCertificate(signer);
    var anchor = new TrustAnchor(readCertificates(files[2]).get(0), null);
    var parameters = new PKIXBuilderParameters(Set.of(anchor), target);
    parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(candidates)));
    parameters.setDate(token.getTimeStampInfo().getGenTime());
    parameters.setRevocationEnabled(false);
    CertPathBuilder.getInstance("PKIX").build(parameters);
  }

  @SuppressWarnings("unchecked")
  private static X509Certificate signerAmong(List<X509Certificate> candidates, TimeStampToken token) throws Exception {
    Selector<X509CertificateHolder> isSigner = token.getSID();
    for (var candidate : candidates) if (isSigner.match(new X509CertificateHolder(candidate.getEncoded()))) return candidate;
    throw new TSPException("no certificate for the signer");
  }

  private static List<X509Certificate> toJava(Collection<X509CertificateHolder> holders) throws Exception {
    var certificates = new ArrayList<X509Certificate>();
    for (var holder : holders) certificates.add(new JcaX509CertificateConverter().getCertificate(holder));
    return certificates;
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
