using System.Numerics;

namespace Conductor.Threading;

/// <summary>
/// Numbers of which the smallest is found first: a bit for each, and a bit for every 64 bits that says whether one of them is set, and so on up to a single
/// word. Adding, finding and removing touch a word or two of each level, of which there are four for a million numbers. Not thread-safe.
/// </summary>
internal sealed class SmallestFirst
{
    private const int BitsPerWord = 64;

    /// <summary>The numbers themselves first, the single word last.</summary>
    private ulong[][] _levels;

    /// <summary>No numbers yet.</summary>
    /// <param name="bound">All numbers are below this, until <see cref="Grow"/> says otherwise.</param>
    public SmallestFirst(int bound) => _levels = Levels(bound);

    public bool IsEmpty => _levels[^1][0] == 0;

    /// <summary>Makes room for more numbers.</summary>
    /// <param name="bound">All numbers are below this from now on.</param>
    public void Grow(int bound)
    {
        var before = _levels[0];
        if (WordsFor(bound) <= before.Length)
        {
            return;
        }

        // By half as much again at least, so that numbers that come one by one are not copied each time.
        _levels = Levels(Math.Max(bound, before.Length * BitsPerWord * 3 / 2));
        for (var word = 0; word < before.Length; word++)
        {
            for (var rest = before[word]; rest != 0; rest &= rest - 1)
            {
                Add((word * BitsPerWord) + BitOperations.TrailingZeroCount(rest));
            }
        }
    }

    /// <summary>Adds a number that is not there.</summary>
    public void Add(int number)
    {
        foreach (var level in _levels)
        {
            level[number / BitsPerWord] |= 1UL << (number % BitsPerWord);
            number /= BitsPerWord;
        }
    }

    /// <summary>Removes a number that is there.</summary>
    public void Remove(int number)
    {
        foreach (var level in _levels)
        {
            ref var word = ref level[number / BitsPerWord];
            word &= ~(1UL << (number % BitsPerWord));
            if (word != 0)
            {
                break;
            }

            number /= BitsPerWord;
        }
    }

    /// <summary>The smallest number that is not below this one; -1 for none.</summary>
    public int Next(int from)
    {
        for (var level = 0; level < _levels.Length; level++)
        {
            var word = from / BitsPerWord;
            if (word >= _levels[level].Length)
            {
                return -1;
            }

            if ((_levels[level][word] & (ulong.MaxValue << (from % BitsPerWord))) is var rest and not 0)
            {
                var number = (word * BitsPerWord) + BitOperations.TrailingZeroCount(rest);
                while (--level >= 0)
                {
                    number = (number * BitsPerWord) + BitOperations.TrailingZeroCount(_levels[level][number]);
                }

                return number;
            }

            from = word + 1;
        }

        return -1;
    }

    /// <summary>Takes the smallest number. There must be one.</summary>
    public int Take()
    {
        var smallest = Next(0);
        Remove(smallest);
        return smallest;
    }

    public void Clear()
    {
        foreach (var level in _levels)
        {
            Array.Clear(level);
        }
    }

    private static ulong[][] Levels(int bound)
    {
        var levels = new List<ulong[]>();
        do
        {
            bound = WordsFor(bound);
            levels.Add(new ulong[bound]);
        }
        while (bound > 1);
        return [.. levels];
    }

    private static int WordsFor(int bits) => Math.Max(1, (bits + BitsPerWord - 1) / BitsPerWord);
}
