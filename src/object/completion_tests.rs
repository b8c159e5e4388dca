//! Completions against the rules of S3, one by one and at random.

use proptest::prelude::*;

use super::*;

const BIG: u64 = MIN_PART_SIZE;

fn choice(algorithm: Algorithm, kind: ChecksumKind) -> ChecksumChoice {
    ChecksumChoice { algorithm, kind, explicit: true }
}

fn unnamed() -> ChecksumChoice {
    ChecksumChoice {
        algorithm: Algorithm::Crc64Nvme,
        kind: ChecksumKind::FullObject,
        explicit: false,
    }
}

/// A part whose content is `size` bytes of its number.
fn part(number: u16, size: u64, algorithm: Option<Algorithm>) -> PartSummary {
    let content = vec![number.to_le_bytes()[0]; usize::try_from(size).unwrap()];
    PartSummary {
        number: PartNumber::new(number).unwrap(),
        size,
        etag: ETag::from_md5(Md5::digest(&content).into()),
        last_modified: Timestamp(0),
        checksum: algorithm.map(|algorithm| algorithm.digest(&content)),
    }
}

fn listed(parts: &[PartSummary], with_checksums: bool) -> Completion {
    let parts = parts
        .iter()
        .map(|part| CompletedPart {
            number: part.number,
            etag: part.etag.clone(),
            checksum: part.checksum.clone().filter(|_| with_checksums),
        })
        .collect();
    Completion { parts, ..Completion::default() }
}

#[test]
fn composite() {
    let parts = [1, 2, 3].map(|n| part(n, if n < 3 { BIG } else { 7 }, Some(Algorithm::Sha256)));
    let choice = choice(Algorithm::Sha256, ChecksumKind::Composite);
    let whole = plan_completion(choice, &parts, &listed(&parts, true)).unwrap();
    assert_eq!(whole.size, 2 * BIG + 7);
    assert_eq!(whole.parts, parts);
    let digests: Vec<u8> = parts.iter().flat_map(|p| p.checksum.clone().unwrap().digest).collect();
    let checksum = whole.checksum.unwrap();
    assert_eq!(checksum.value, Algorithm::Sha256.digest(&digests));
    assert!(checksum.wire_value().ends_with("=-3"));
    assert!(whole.etag.as_str().ends_with("-3"));

    let mut wanted = listed(&parts, true);
    wanted.checksum = Some(checksum.value);
    wanted.checksum_kind = Some(ChecksumKind::Composite);
    wanted.object_size = Some(whole.size);
    assert!(plan_completion(choice, &parts, &wanted).is_ok());
}

#[test]
fn full_object_is_that_of_the_content() {
    for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
        let parts = [4, 9].map(|n| part(n, if n == 4 { BIG + 3 } else { 100 }, Some(algorithm)));
        let mut content = vec![4; usize::try_from(BIG).unwrap() + 3];
        content.extend([9; 100]);
        let expected = algorithm.digest(&content);
        let choice = choice(algorithm, ChecksumKind::FullObject);
        let mut wanted = listed(&parts, false);
        wanted.checksum = Some(expected.clone());
        let whole = plan_completion(choice, &parts, &wanted).unwrap();
        assert_eq!(whole.checksum, Some(Checksum::full_object(expected)));

        wanted.checksum = Some(algorithm.digest(b"other"));
        let got = plan_completion(choice, &parts, &wanted);
        assert_eq!(got, Err(CompletionError::Checksum));
    }
}

#[test]
fn without_a_named_algorithm() {
    let nvme = [part(1, BIG, Some(Algorithm::Crc64Nvme)), part(2, 0, Some(Algorithm::Crc64Nvme))];
    let whole = plan_completion(unnamed(), &nvme, &listed(&nvme, false)).unwrap();
    assert_eq!(whole.checksum.unwrap().kind, ChecksumKind::FullObject);

    // What the low-level client of boto3 does: a CRC32 on each part, and back in the list.
    let crc32 = [part(1, BIG, Some(Algorithm::Crc32)), part(3, 5, Some(Algorithm::Crc32))];
    let mut wanted = listed(&crc32, true);
    assert_eq!(plan_completion(unnamed(), &crc32, &wanted).unwrap().checksum, None);

    // The whole's checksum is compared although the object keeps none.
    let (one, two) = (crc32[0].checksum.as_ref().unwrap(), crc32[1].checksum.as_ref().unwrap());
    wanted.checksum = ChecksumValue::combined(Algorithm::Crc32, [(one, BIG), (two, 5)]);
    assert!(plan_completion(unnamed(), &crc32, &wanted).is_ok());
    wanted.checksum = Some(Algorithm::Sha256.digest(b""));
    assert_eq!(plan_completion(unnamed(), &crc32, &wanted), Err(CompletionError::Checksum));

    let mixed = [nvme[0].clone(), crc32[1].clone(), part(4, 1, None)];
    let wanted = listed(&mixed[..1], true);
    assert!(plan_completion(unnamed(), &mixed, &wanted).unwrap().checksum.is_some());
    let mut small = mixed.clone();
    small[1].size = BIG;
    assert_eq!(plan_completion(unnamed(), &small, &listed(&small, true)).unwrap().checksum, None);
}

#[test]
fn one_empty_part() {
    let parts = [part(1, 0, Some(Algorithm::Crc64Nvme))];
    let whole = plan_completion(unnamed(), &parts, &listed(&parts, false)).unwrap();
    assert_eq!(whole.size, 0);
    assert_eq!(whole.checksum.unwrap().value, Algorithm::Crc64Nvme.digest(b""));
}

#[test]
fn unlisted_parts_are_left_out() {
    let parts = [1, 5, 7].map(|n| part(n, 10, None));
    let whole = plan_completion(unnamed(), &parts, &listed(&parts[1..2], false)).unwrap();
    assert_eq!(whole.parts, parts[1..2]);
    assert_eq!(whole.size, 10);
}

#[test]
fn wrong_orders() {
    let parts = [1, 2, 3].map(|n| part(n, BIG, Some(Algorithm::Crc32)));
    let [a, b, c] = parts.clone();
    let composite = choice(Algorithm::Crc32, ChecksumKind::Composite);
    let full = choice(Algorithm::Crc32, ChecksumKind::FullObject);
    for wrong in
        [vec![b.clone(), a.clone()], vec![a.clone(), a.clone()], vec![c.clone(), b.clone()]]
    {
        for choice in [composite, full, unnamed()] {
            let got = plan_completion(choice, &parts, &listed(&wrong, true));
            assert_eq!(got, Err(CompletionError::Order));
        }
    }
    for gapped in [vec![b.clone()], vec![b.clone(), c.clone()], vec![a.clone(), c.clone()]] {
        let wanted = listed(&gapped, true);
        let got = plan_completion(composite, &parts, &wanted);
        assert_eq!(got, Err(CompletionError::Order));
        assert!(plan_completion(full, &parts, &wanted).is_ok());
    }
}

#[test]
fn wrong_parts() {
    let parts = [1, 2].map(|n| part(n, BIG, Some(Algorithm::Crc32)));
    let composite = choice(Algorithm::Crc32, ChecksumKind::Composite);
    let refused = |change: &dyn Fn(&mut CompletedPart)| {
        let mut wanted = listed(&parts, true);
        change(&mut wanted.parts[1]);
        plan_completion(composite, &parts, &wanted).unwrap_err()
    };
    let other = ETag::parse("00");
    assert_eq!(
        refused(&|part| part.etag = other.clone()),
        CompletionError::Part { number: 2, etag: other.clone() }
    );
    let differs = CompletionError::Part { number: 2, etag: parts[1].etag.clone() };
    let wrong = Some(Algorithm::Crc32.digest(b"x"));
    assert_eq!(refused(&|part| part.checksum.clone_from(&wrong)), differs);
    let wrong = Some(Algorithm::Crc32c.digest(b"x"));
    assert_eq!(refused(&|part| part.checksum.clone_from(&wrong)), differs);
    assert_eq!(refused(&|part| part.checksum = None), CompletionError::MissingChecksum(2));

    let got = plan_completion(composite, &parts[..1], &listed(&parts, true));
    assert_eq!(got, Err(differs));
}

#[test]
fn wrong_wholes() {
    let parts = [part(1, BIG - 1, None), part(2, BIG, None)];
    let wanted = listed(&parts, false);
    let too_small =
        CompletionError::TooSmall { number: 1, size: BIG - 1, etag: parts[0].etag.clone() };
    assert_eq!(plan_completion(unnamed(), &parts, &wanted), Err(too_small));

    assert_eq!(
        plan_completion(unnamed(), &parts, &Completion::default()),
        Err(CompletionError::Empty)
    );

    let mut wanted = listed(&parts[1..], false);
    wanted.object_size = Some(BIG + 1);
    assert_eq!(
        plan_completion(unnamed(), &parts, &wanted),
        Err(CompletionError::Size { expected: BIG + 1, actual: BIG })
    );

    let mut wanted = listed(&parts[1..], false);
    wanted.checksum_kind = Some(ChecksumKind::Composite);
    assert_eq!(plan_completion(unnamed(), &parts, &wanted), Err(CompletionError::Kind));

    // An explicit upload whose parts lack what it needs is never completed without.
    let full = choice(Algorithm::Crc32, ChecksumKind::FullObject);
    let got = plan_completion(full, &parts, &listed(&parts[1..], false));
    assert_eq!(got, Err(CompletionError::MissingChecksum(2)));
}

#[test]
fn the_first_fault_is_reported() {
    let parts = [part(1, 10, None), part(2, 10, None)];
    let mut wanted = listed(&parts, false);
    wanted.checksum = Some(Algorithm::Crc32.digest(b"x"));
    wanted.object_size = Some(1);
    let error = |wanted: &Completion| plan_completion(unnamed(), &parts, wanted).unwrap_err();
    assert!(matches!(error(&wanted), CompletionError::TooSmall { number: 1, .. }));
    wanted.parts[1].etag = ETag::parse("x");
    assert!(matches!(error(&wanted), CompletionError::Part { number: 2, .. }));
    wanted.parts.reverse();
    assert_eq!(error(&wanted), CompletionError::Order);
    wanted.parts.clear();
    assert_eq!(error(&wanted), CompletionError::Empty);
}

proptest! {
    /// Whatever subset is listed in ascending order, the object is exactly these parts.
    #[test]
    fn listed_parts_make_the_object(
        numbers in proptest::collection::btree_set(1u16..=10_000, 1..12),
        keep in proptest::collection::vec(any::<bool>(), 12),
    ) {
        let stored: Vec<_> = numbers
            .iter()
            .map(|n| PartSummary { size: BIG + u64::from(*n), ..part(*n, 1, None) })
            .collect();
        let chosen: Vec<_> =
            stored.iter().zip(keep).filter(|(_, keep)| *keep).map(|(part, _)| part.clone()).collect();
        let got = plan_completion(unnamed(), &stored, &listed(&chosen, true));
        if chosen.is_empty() {
            prop_assert_eq!(got, Err(CompletionError::Empty));
        } else {
            let whole = got.unwrap();
            prop_assert_eq!(whole.size, chosen.iter().map(|part| part.size).sum::<u64>());
            prop_assert_eq!(whole.etag, ETag::multipart(chosen.iter().map(|p| p.etag.md5().unwrap())));
            prop_assert_eq!(whole.parts, chosen);
        }
    }
}
