//! Mistakes as people make them, and what they are told.

use super::faults::sandbox;
use super::server::{Fault, Server};
use super::{dwell, first_file};
use crate::support::{Ran, Sandbox};

fn told(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "{word:?} is not in: {}", ran.stderr);
    }
}

fn run(sandbox: &Sandbox, input: &str, keys: &str, variables: &[(&str, &str)]) -> Ran {
    sandbox.job(&format!("[input]\npath = '{input}'\n[storage]\n{keys}"));
    dwell(sandbox, &["run", "job.toml", "--quiet", "--output", "out"], variables)
}

#[test]
fn mistakes_in_the_job_end_with_2() {
    let sandbox = sandbox();
    let server = Server::over(&sandbox.path().join("data"));
    let keys = server.keys().replace("[storage]", "");
    let with = |input: &str| run(&sandbox, input, &keys, &[]);
    told(&with("s3://bukket/x"), 2, &["there is no bucket \"bukket\"", "check the name", "storage.endpoint"]);
    told(&with("s3://bucket/nowhere/"), 2, &["there is nothing at \"s3://bucket/nowhere/\""]);
    told(&with("s3://bucket/nowhere.parquet"), 2, &["there is nothing at"]);
    told(&with("s3://bucket/*.csv"), 2, &["it matches no object"]);
    told(&with("s3a://bucket/x"), 2, &["write it as s3://bucket/x"]);
    told(&with("ftp://bucket/x"), 2, &["the schemes are s3, gs, az, abfss, http and https"]);
    told(&with(&format!("{}/bucket/none.parquet", server.url())), 2, &["there is nothing at"]);
    let data = sandbox.path().join("data");
    let link = format!("{}/bucket/{}", server.url(), first_file(&data).strip_prefix(&data).unwrap().display());
    let two = format!("[input]\npath = ['{link}?id=1', '{link}?id=2&sig=SECRET']\n[storage]\n{keys}");
    sandbox.job(&two);
    let ran = dwell(&sandbox, &["run", "job.toml", "--quiet", "--output", "out"], &[]);
    told(&ran, 2, &["differ only in what comes after the `?`"]);
    assert!(!ran.stderr.contains("SECRET"), "{}", ran.stderr);
    told(&with("s3://bucket//x"), 2, &["begins with a slash"]);
    let plain = keys.replace("allow_http = true", "");
    told(&run(&sandbox, "s3://bucket", &plain, &[]), 2, &["over http", "storage.allow_http = true"]);
    told(&run(&sandbox, "http://127.0.0.1:9/x.parquet", "", &[]), 2, &["over http", "write https"]);
    let bare = "endpoint = 'minio.example.com'\n";
    told(&run(&sandbox, "s3://bucket", bare, &[]), 2, &["write it like https://minio.example.com"]);
    told(&run(&sandbox, "s3://bucket", "", &[]), 2, &["no credentials for", "AWS_PROFILE", "skip_signature"]);
    told(&run(&sandbox, "s3://bucket", "", &[("AWS_PROFILE", "etl")]), 2, &["there is no profile \"etl\""]);
    told(&run(&sandbox, "az://c/x", "", &[]), 2, &["storage account is not named", "AZURE_STORAGE_ACCOUNT_NAME"]);
    told(&run(&sandbox, "s3://bucket", "concurrency = 0\n", &[]), 2, &["storage.concurrency"]);
    told(&run(&sandbox, "s3://bucket", "regoin = 'x'\n", &[]), 2, &["storage.regoin", "storage.region"]);
    told(&run(&sandbox, "s3://bucket", "path_style = 'yes'\n", &[]), 2, &["true or false"]);
}

#[test]
fn tables_that_cannot_be_there_are_refused() {
    let sandbox = sandbox();
    let web = dwell(&sandbox, &["run", "--input", "data", "--output", "https://h/out"], &[]);
    told(&web, 2, &["https://h/out", "a web server is only read from"]);
    let nobody = dwell(&sandbox, &["run", "--input", "data", "--output", "s3://bucket/out"], &[]);
    told(&nobody, 2, &["no credentials", "s3://bucket"]);
    sandbox.job("[input]\npath = 'data'\n[output]\npath = 'out'\ncopy = 'x'\n");
    told(&dwell(&sandbox, &["run", "job.toml"], &[]), 2, &["`output.copy`"]);
    let compared = &["compare", "job.toml", "job.toml", "--output", "s3://bucket/out"];
    sandbox.job("[input]\npath = 'data'\n");
    told(&dwell(&sandbox, compared, &[]), 2, &["s3://bucket/out", "local folder"]);
}

#[test]
fn regions_are_told() {
    let sandbox = sandbox();
    let root = sandbox.path().join("data");
    let moved = Server::with_faults(&root, |_, _| Some(Fault::Error(301, "PermanentRedirect")));
    told(
        &run(&sandbox, "s3://bucket", &moved.keys().replace("[storage]", ""), &[]),
        2,
        &["us-east-1", "storage.region"],
    );
    let other = Server::with_faults(&root, |_, _| Some(Fault::Error(400, "AuthorizationHeaderMalformed")));
    let keys = other.keys().replace("[storage]", "region = 'eu-west-9'");
    told(&run(&sandbox, "s3://bucket", &keys, &[]), 2, &["another region than \"eu-west-9\""]);
}

#[test]
fn a_server_that_sends_whole_files_only_is_told() {
    let sandbox = sandbox();
    let server = Server::with_faults(&sandbox.path().join("data"), |asked, _| {
        (asked.method == "GET" && !asked.is_listing()).then_some(Fault::Whole)
    });
    let data = sandbox.path().join("data");
    let file = first_file(&data);
    let url = format!("{}/bucket/{}", server.url(), file.strip_prefix(&data).unwrap().display());
    told(&run(&sandbox, &url, "allow_http = true\n", &[]), 1, &["range requests"]);
}

#[test]
fn nobody_there_is_told_with_the_endpoint() {
    let sandbox = sandbox();
    let keys = "endpoint = 'http://127.0.0.1:1'\nallow_http = true\nskip_signature = true\nretry_timeout = '1s'\n";
    told(&run(&sandbox, "s3://bucket", keys, &[]), 1, &["s3://bucket", "attempts", "storage.endpoint"]);
}

/// Credentials are taken from where the AWS tools look for them: the id of the key is in the signature.
#[test]
fn credentials_are_those_of_the_environment_or_of_a_profile() {
    let sandbox = sandbox();
    let server = Server::over(&sandbox.path().join("data"));
    let keys = server.keys().replace("[storage]", "").replace("skip_signature = true", "");
    let aws = sandbox.path().join("home/.aws");
    std::fs::create_dir_all(&aws).unwrap();
    let process = r#"sh -c 'printf "{\"Version\":1,\"AccessKeyId\":\"OFPROCESS\",\"SecretAccessKey\":\"x\"}"'"#;
    let config = format!("[default]\nregion = eu-west-3\n[profile made]\ncredential_process = {process}\n[profile sso]\nsso_session = x\n");
    std::fs::write(aws.join("config"), config).unwrap();
    std::fs::write(aws.join("credentials"), "[default]\naws_access_key_id = OFFILE\naws_secret_access_key = x\n")
        .unwrap();
    let environment = [("AWS_ACCESS_KEY_ID", "OFENVIRONMENT"), ("AWS_SECRET_ACCESS_KEY", "x")];
    for (variables, signed) in
        [(&[][..], "OFFILE/"), (&[("AWS_PROFILE", "made")], "OFPROCESS/"), (&environment, "OFENVIRONMENT/")]
    {
        run(&sandbox, "s3://bucket", &keys, variables).expect_code(0);
        let asked = server.asked();
        assert!(asked.iter().all(|asked| asked.signed.contains(signed)), "{signed}: {:?}", asked.first());
        let is_of_region = signed != "OFFILE/" || asked.iter().all(|asked| asked.signed.contains("/eu-west-3/s3/"));
        assert!(is_of_region, "{:?}", asked.first());
    }
    let sso = run(&sandbox, "s3://bucket", &keys, &[("AWS_PROFILE", "sso")]);
    told(&sso, 2, &["`sso_session`", "aws configure export-credentials"]);
}
