import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.*;
import java.util.*;

/**
 * Validates a certificate below its issuer with Java's PKIX revocation checker, which is handed the OCSP response, and prints the status.
 * Arguments: the response, the issuer's certificate, the certificate; all DER files.
 */
class OcspJudge {
  public static void main(String[] files) throws Exception {
    var certificates = CertificateFactory.getInstance("X.509");
    var issuer = (X509Certificate) certificates.generateCertificate(new ByteArrayInputStream(read(files[1])));
    var subject = (X509Certificate) certificates.generateCertificate(new ByteArrayInputStream(read(files[2])));
    var validator = CertPathValidator.getInstance("PKIX");
    var checker = (PKIXRevocationChecker) validator.getRevocationChecker();
    checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
    checker.setOcspResponses(Map.of(subject, read(files[0])));
    var parameters = new PKIXParameters(Set.of(new TrustAnchor(issuer, null)));
    parameters.addCertPathChecker(checker);
    try {
      validator.validate(certificates.generateCertPath(List.of(subject)), parameters);
      System.out.println("good");
    } catch (CertPathValidatorException refusal) {
      System.out.println(statusIn(refusal));
    }
  }

  private static String statusIn(CertPathValidatorException refusal) {
    if (refusal.getReason() == CertPathValidatorException.BasicReason.REVOKED) return "revoked";
    var message = String.valueOf(refusal.getMessage());
    return message.equals("Certificate's revocation status is unknown") ? "unknown" : message;
  }

  private static byte[] read(String file) throws Exception {
    return Files.readAllBytes(Path.of(file));
  }
}
