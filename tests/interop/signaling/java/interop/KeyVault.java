package interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.eclipse.edc.spi.result.Result;
import org.eclipse.edc.spi.security.Vault;

import java.io.FileInputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Map;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Secrets in a Key Vault, by its REST API; names are made as EDC's Azure module makes them. */
class KeyVault implements Vault {
    private static final String API = "?api-version=7.4";
    private static final Pattern RESOURCE = Pattern.compile("resource=\"([^\"]+)\"");
    private final ObjectMapper mapper = new ObjectMapper();
    private final String url;
    private final String identityEndpoint;
    private final String identityHeader;
    private final HttpClient client;

    KeyVault(String url, String identityEndpoint, String identityHeader, String certificate) {
        this.url = url.replaceAll("/$", "");
        this.identityEndpoint = identityEndpoint;
        this.identityHeader = identityHeader;
        this.client = HttpClient.newBuilder().sslContext(trusting(certificate)).build();
    }

    @Override
    public String resolveSecret(String key) {
        var answer = send("GET", key, null);
        if (answer.statusCode() == 404) {
            return null;
        }
        if (answer.statusCode() != 200) {
            throw new IllegalStateException("the vault answered " + answer.statusCode() + " about " + key);
        }
        return read(answer.body()).path("value").asText();
    }

    @Override
    public Result<Void> storeSecret(String key, String value) {
        return result("PUT", key, Map.of("value", value));
    }

    @Override
    public Result<Void> deleteSecret(String key) {
        return result("DELETE", key, null);
    }

    @Override
    public String resolveSecret(String participant, String key) {
        return resolveSecret(key);
    }

    @Override
    public Result<Void> storeSecret(String participant, String key, String value) {
        return storeSecret(key, value);
    }

    @Override
    public Result<Void> deleteSecret(String participant, String key) {
        return deleteSecret(key);
    }

    private Result<Void> result(String method, String key, Object body) {
        var status = send(method, key, body).statusCode();
        return status < 300 ? Result.success() : Result.failure("the vault answered " + status);
    }

    private HttpResponse<String> send(String method, String key, Object body) {
        try {
            var name = key.replaceAll("[^a-zA-Z0-9-]", "-");
            var content = body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(mapper.writeValueAsString(body));
            var request = HttpRequest.newBuilder(URI.create(url + "/secrets/" + name + API))
                    .header("Authorization", "Bearer " + token())
                    .header("Content-Type", "application/json")
                    .method(method, content)
                    .build();
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (Exception e) {
            throw new IllegalStateException("the vault cannot be asked", e);
        }
    }

    /** A vault says for which resource it wants a token, to whoever comes without one. */
    private String resource() throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url + "/secrets/none" + API)).build();
        var challenge = client.send(request, HttpResponse.BodyHandlers.discarding()).headers();
        var told = RESOURCE.matcher(challenge.firstValue("WWW-Authenticate").orElse(""));
        return told.find() ? told.group(1) : "https://vault.azure.net";
    }

    private String token() throws Exception {
        var separator = identityEndpoint.contains("?") ? "&" : "?";
        var wanted = URLEncoder.encode(resource(), StandardCharsets.UTF_8);
        var address = identityEndpoint + separator + "api-version=2019-08-01&resource=" + wanted;
        var request = HttpRequest.newBuilder(URI.create(address)).header("X-IDENTITY-HEADER", identityHeader).build();
        return read(client.send(request, HttpResponse.BodyHandlers.ofString()).body()).path("access_token").asText();
    }

    private JsonNode read(String text) {
        try {
            return mapper.readTree(text);
        } catch (Exception e) {
            throw new IllegalStateException("the answer is no JSON", e);
        }
    }

    private static SSLContext trusting(String certificate) {
        try (var file = new FileInputStream(certificate)) {
            var store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null);
            var number = 0;
            for (var found : CertificateFactory.getInstance("X.509").generateCertificates(file)) {
                store.setCertificateEntry("emulator-" + number++, found);
            }
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            var context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (Exception e) {
            throw new IllegalStateException("the certificate cannot be read", e);
        }
    }
}
