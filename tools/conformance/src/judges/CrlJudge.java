import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.*;
import java.util.*;

/**
 * Validates a certificate up to its root with Java's PKIX revocation checker, which is handed every list of the path, and prints "valid" or
 * why not. Arguments: the certificate and its intermediates, the root, the lists; all PEM files.
 */
class CrlJudge {
  public static void main(String[] files) throws Exception {
    var factory = CertificateFactory.getInstance("X.509");
    var path = new ArrayList<Certificate>(factory.generateCertificates(read(files[0])));
    var root = (X509Certificate) factory.generateCertificate(read(files[1]));
    path.remove(root);
    var lists = factory.generateCRLs(read(files[2]));
    var validator = CertPathValidator.getInstance("PKIX");
    var checker = (PKIXRevocationChecker) validator.getRevocationChecker();
    checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.PREFER_CRLS, PKIXRevocationChecker.Option.NO_FALLBACK));
    var parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
    parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists)));
    parameters.addCertPathChecker(checker);
    try {
      validator.validate(factory.generateCertPath(path), parameters);
      System.out.println("valid");
    } catch (CertPathValidatorException refusal) {
      System.out.println(refusal.getReason() + ": " + refusal.getMessage());
    }
  }

  private static ByteArrayInputStream read(String file) throws Exception {
    return new ByteArrayInputStream(Files.readAllBytes(Path.of(file)));
  }
}
