using Conductor.State;
using CsCheck;

namespace Conductor.Tests.State;

/// <summary>Whatever was written is read again, in the same order.</summary>
public sealed class PackTests
{
    public static TheoryData<long> Numbers => [0, 1, 127, 128, 16_383, 16_384, int.MaxValue, long.MaxValue, -1, int.MinValue, long.MinValue];

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Numbers_OfAnySize_ReadTheSame(long number)
    {
        Span<long> read = stackalloc long[4];
        var pack = new PackWriter();
        pack.Put(number);
        pack.PutSigned(number);
        pack.PutTime(number);
        pack.PutTime(-number);

        var reader = new PackReader(pack.ToBytes(), pack.ToObjects());
        (read[0], read[1], read[2], read[3]) = (reader.Take(), reader.TakeSigned(), reader.TakeTime(), reader.TakeTime());
        pack.Dispose();

        read.ToArray().Should().Equal(number, number, number, -number);
    }

    /// <summary>Small numbers are what there is most of.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(127, 1)]
    [InlineData(128, 2)]
    [InlineData(-1, 10)]
    public void Put_Number_TakesAsFewBytesAsItNeeds(long number, int bytes)
    {
        var pack = new PackWriter();
        pack.Put(number);

        pack.ToBytes().Should().HaveCount(bytes);
        pack.Dispose();
    }

    [Fact]
    public void Anything_InAnyOrderAndNumber_ReadsTheSame() => Gen.Select(Gen.Int[0, 3], Gen.Long, Gen.Int[0, 99]).Array[0, 2_000].Sample(static items =>
    {
        var objects = Enumerable.Range(0, 100).Select(static number => number == 0 ? null : (object)new string('x', number)).ToArray();
        var pack = new PackWriter();
        foreach (var (kind, number, index) in items)
        {
            switch (kind)
            {
                case 0:
                    pack.PutSigned(number);
                    break;
                case 1:
                    pack.PutTime(number);
                    break;
                case 2:
                    pack.PutObject(objects[index]);
                    break;
                default:
                    pack.PutBytes(Bytes(number, index));
                    break;
            }
        }

        var reader = new PackReader(pack.ToBytes(), pack.ToObjects());
        pack.Dispose();
        foreach (var (kind, number, index) in items)
        {
            var isSame = kind switch
            {
                0 => reader.TakeSigned() == number,
                1 => reader.TakeTime() == number,
                2 => ReferenceEquals(reader.TakeObject<object>(), objects[index]),
                _ => reader.TakeBytes().SequenceEqual(Bytes(number, index)),
            };
            if (!isSame)
            {
                return false;
            }
        }

        return true;
    });

    [Fact]
    public void PutObject_NamedAgainAndAgain_IsThereOnce()
    {
        var (one, other) = (new object(), new object());
        var pack = new PackWriter();
        for (var i = 0; i < 100; i++)
        {
            pack.PutObject(i % 2 == 0 ? one : other);
        }

        pack.ToObjects().Should().Equal(one, other);
        pack.Dispose();
    }

    private static byte[] Bytes(long seed, int length)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, (byte)seed);
        return bytes;
    }
}
